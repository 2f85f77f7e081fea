"""Pictures of general laws: what follows from the frequencies of tokens in a text."""
