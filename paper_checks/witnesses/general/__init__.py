"""Second ways to the exact values of every law: enumeration in fractions, a programme over positions, small laws."""
