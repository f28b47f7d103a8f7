"""The reconstruction functions that no auto-encoder can beat."""
