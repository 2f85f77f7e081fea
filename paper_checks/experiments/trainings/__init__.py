"""Trainings of two-layer transformers for B4 to B6 and E: settings, runs, observers, statements."""
