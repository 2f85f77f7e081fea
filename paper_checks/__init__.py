"""Does theory agree with what happens? Claims, the comparator that judges them, the ledger that keeps the evidence."""
