"""The kinds of auto-encoder: each a folder with its declaration, networks and training."""
