"""The auto-encoders: separate ones stacked, and one conditioned on sigma."""
