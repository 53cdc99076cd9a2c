"""Statistics on plain arrays: folds, intervals, paired tests, sample sizes. Knows no model."""
