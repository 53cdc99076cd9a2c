"""The ladder of rungs, and what they will cost."""
