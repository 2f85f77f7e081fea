"""What all of simulate stands on: arguments, devices, memory, files, parallel work, checkpoints."""
