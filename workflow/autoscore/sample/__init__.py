"""Chains driven by exact, optimal and learned fields on one density: the stage `sample`."""
