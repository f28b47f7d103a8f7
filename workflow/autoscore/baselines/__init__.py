"""What trivial and classical estimators make of the same points, beside every trained model."""
