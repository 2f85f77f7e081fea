"""Pocket Pythia: small GPT-NeoX models that this project trained and ships, and how they are trained.

    from simulate.pocket import pocket_folders
    folders = pocket_folders()
    folder = folders[4][2000]  # training seed 4 after 2000 updates

Source: this project.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
