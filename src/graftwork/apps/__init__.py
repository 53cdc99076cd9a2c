"""Applications on top of the API: thin faces, each verb one call of it."""
