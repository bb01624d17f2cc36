"""What two or more chapters share: determinism, training, metrics, cost, features, run records, plots."""
