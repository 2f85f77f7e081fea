"""What the checks of G share: reference laws, mixtures and random laws."""
