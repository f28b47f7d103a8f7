"""What is known of samplers by their names alone, without loading what runs them."""

DESCENTS = ("annealed_langevin", "flow")  # go down the noise grid
ACCEPTANCE = {  # rates that steps are tuned to, for d = 1, for 2 to 4, and from 5 on
    "random_walk": (0.44, 0.35, 0.234),
    "mala": (0.7, 0.65, 0.574),
    "shaped_mala": (0.7, 0.65, 0.574),
}


def target_acceptance(sampler: str, dim: int) -> float | None:
    """Return the acceptance rate that a sampler is tuned to in d dimensions, if it is."""
    rates = ACCEPTANCE.get(sampler)
    return None if rates is None else rates[0 if dim == 1 else 1 if dim < 5 else 2]


# moves of the field alone: they know no density that a temperature could flatten
FIELD_MOVES = ("walk", "dae_chain", "walkback", "noise_keeping", *DESCENTS)
