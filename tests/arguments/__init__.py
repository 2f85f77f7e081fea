"""What every public call, and every option of every command, says to bad arguments, from one table of valid calls."""
