"""Readers, tables, datasets, splits and what is wrong with them. Knows rows, not modalities."""
