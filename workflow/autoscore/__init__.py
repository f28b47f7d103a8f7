"""What regularized auto-encoders learn from the data-generating distribution, measured.

The floors of the library, each importing only from those above it in this list:

``randomness``, ``grids``, ``fields``, ``storage``
    generators, quadrature, the interface of a reconstruction field, atomic files
``densities``
    targets with exact log-density, score, Hessian and samples
``optimum``, ``autoencoders``
    the best possible reconstruction, and the ones that are trained
``batches``, ``objectives``, ``lbfgs``, ``training``
    what a network sees, what it minimises, and how
``metrics``
    relative errors, orders of convergence, intervals
``claims``, ``plots``
    verdicts and pictures, from tables alone

Nothing here imports Snakemake: every module can be used from a notebook.
"""
