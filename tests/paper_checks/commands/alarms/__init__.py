"""False alarms over many base seeds."""
