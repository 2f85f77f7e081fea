"""Maps of where a claim holds over noise level and size."""
