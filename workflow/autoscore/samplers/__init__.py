"""Markov chains driven by a score: learned, optimal or exact, without telling them apart."""
