"""G: general laws."""
