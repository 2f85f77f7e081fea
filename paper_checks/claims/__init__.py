"""The checks of the claims, a folder per group of the ledger."""
