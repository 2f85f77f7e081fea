"""What people read of a run: table, page, pictures, badges."""
