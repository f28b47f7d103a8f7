"""Verdicts on the paper's statements and on ours, from the result tables alone."""
