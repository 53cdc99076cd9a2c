"""Readers: one file a format; each gives a `Table` with its cells untouched."""
