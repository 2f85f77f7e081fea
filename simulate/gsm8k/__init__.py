"""Word problems: the data of claim P6, the answers of language models to them, and their scores."""
