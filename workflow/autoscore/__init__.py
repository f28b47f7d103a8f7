"""What regularized auto-encoders learn from the data-generating distribution, measured.

The floors of the library, each importing only from those above it in this list:

``declarations``, ``wording``
    what the modules of a registry declare; values and counts in messages
``numerics``, ``files``
    random streams, quadrature, errors; atomic files, records, a user's tables
``fields``
    the interface of every reconstruction function
``densities``
    targets with exact log-density, score, Hessian and samples
``optimum``
    the reconstruction functions that no auto-encoder can beat
``train``
    stacks of networks, batches, objectives, optimisers
``models``, ``samplers``
    kinds of auto-encoder; Markov chain kernels and their targets
``baselines``, ``nulls``
    trivial and classical estimators of the same score; null models beside every trained one
``shards``, ``plan``, ``figures``
    what a run consists of, from its configuration alone; declared figures, drawn from tables
``data``, ``noise``, ``validation``, ``configuration``
    the samples that all stages share; noise grids that fit them; configurations, checked
``combination``
    the clean score from several noise levels
``score``, ``geometry``, ``sample``
    score errors; the shape of learned fields; chains and what they are worth
``images``
    images: sources, models, measurements and samples
``verify``, ``report``
    claims and verdicts, from tables alone; one page of verdicts and figures

Nothing here imports Snakemake: every module can be used from a notebook.
"""
