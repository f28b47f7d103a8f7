"""Figures, each from tables and arrays alone: nothing is computed that a table should hold."""
