"""Stored features, readouts of them, and convex heads on top."""
