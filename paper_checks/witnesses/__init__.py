"""Second ways to the same numbers, slow and obvious: what fast code and closed forms are held against."""
