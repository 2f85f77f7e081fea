"""Could the checks have failed? Formulas, trainings and probes are changed, and checks turn red."""
