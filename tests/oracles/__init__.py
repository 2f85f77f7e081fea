"""What tests share: second ways to the same numbers, made-up runs, small models."""
