"""Plain torch: pooling, later heads, losses and small architectures."""
