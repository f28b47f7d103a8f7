"""Training stacks of auto-encoders: batches, objectives, optimisers."""
