"""Mathematics of the page as MathML: formulas of the ledger, equations of docstrings, symbols in running text."""
