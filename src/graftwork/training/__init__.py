"""One small training loop; it knows no task, no modality and no strategy."""
