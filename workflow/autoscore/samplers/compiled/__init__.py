"""Chains on densities in closed form, as machine code: see `autoscore.samplers.chains.run`.

Nothing imports these modules before a run asks for them: Numba takes a while to load.
"""
