"""What happens when processes are stopped, disks are full, two do the same, clocks go back, folders are closed."""
