"""What a claim is judged by and kept as: comparator, ledger, designs, records. Knows nothing of the papers."""
