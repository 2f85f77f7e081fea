"""Pictures of language models and the numbers in them, apart from each other."""
