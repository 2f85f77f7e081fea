"""The phase diagram of the first key-query step: proved regions, traced boundaries, estimated signs, the picture."""
