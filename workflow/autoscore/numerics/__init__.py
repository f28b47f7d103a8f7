"""Numerical tools: random streams, quadrature, stable exponentials, errors."""
