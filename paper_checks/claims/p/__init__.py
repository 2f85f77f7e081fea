"""Checks of P. Language models: pocket Pythia, a model of the user, word problems."""
