"""A run: its frozen plan, its record, its directory, and how it tells of its progress."""
