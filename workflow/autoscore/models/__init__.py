"""Kinds of auto-encoder, a folder each with its declaration, networks and training.

``separate`` is the paper's kind: one network per noise level. ``conditioned`` and ``corrected`` are
ours: one network for all levels.
"""
