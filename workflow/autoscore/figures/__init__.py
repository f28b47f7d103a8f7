"""Figures: each module declares one, and draws it from tables and arrays."""
