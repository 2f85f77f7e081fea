"""Pictures and the numbers in them, apart from each other."""
