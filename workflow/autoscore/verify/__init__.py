"""Verdicts on the paper's statements, from the result tables alone."""
