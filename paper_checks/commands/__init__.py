"""The commands, one module each: what they accept, and what they do with it."""
