"""Chains on densities in closed form, as machine code: see `autoscore.samplers.chains.run`.

Chains go in blocks, a coordinate's values for all chains of a block beside one another, so that
the processor does several at once. Nothing imports these modules before a run asks for them: Numba
takes a while to load.
"""
