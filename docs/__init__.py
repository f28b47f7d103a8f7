"""The generated parts of the documentation; ``python -m docs`` writes them."""
