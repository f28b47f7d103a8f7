"""Targets with exact log-density, score, Hessian and samples."""
