"""Pictures and the numbers in them, apart from each other."""

MARK = "numbers: sha256 "
"""Before the digest of its numbers in every picture, where it says what it is (`ours`)."""
