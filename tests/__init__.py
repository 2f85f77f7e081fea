"""Is our code right: proofs, properties, faults, mutants and benchmarks of the three rooms."""
