"""Labelled grey images: MNIST, or the small digits that scikit-learn carries."""
