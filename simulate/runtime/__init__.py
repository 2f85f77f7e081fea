"""What all of simulate stands on: arguments, devices, limits of bytes, files, parallel work, checkpoints."""
