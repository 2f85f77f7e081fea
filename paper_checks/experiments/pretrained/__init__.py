"""P on a pretrained model, SmolLM2: what it is asked, the sweep of its last layers, choosing and reporting."""
