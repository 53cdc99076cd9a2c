"""A model: a graph of named parts, its directory on disk, its predictions."""
