"""What regularized auto-encoders learn from the data-generating distribution, measured.

The floors of the library, each importing only from those above it in this list:

``declarations``, ``remedies``, ``wording``
    what the modules of a folder declare; what to do where the system refuses something; words
``randomness``, ``sequences``, ``grids``, ``panels``, ``vectors``
    generators, evenly spread numbers, quadrature, where a density has mass, exponentials
``storage``, ``records``; ``tables``
    atomic files and what made them; a user's own tables of numbers
``fields``, ``metrics``, ``linear``, ``lbfgs``
    what a reconstruction field is, rulers, Wiener filter, optimiser
``densities``, ``devices``
    targets with exact log-density, score, Hessian and samples; where networks are trained
``optimum``
    the reconstruction functions that no auto-encoder can beat
``stack``, ``units``; ``batches``, ``objectives``, ``training``, ``setups``; ``rounding``
    many networks as one tensor; what they see, what they minimise, how; weights as another
    processor might round them
``implicit``; ``baselines``
    the loss that needs no truth; what trivial and classical estimators make of the same points
``models``; ``samplers``
    the kinds of auto-encoder; kernels, and what drives them
``blocks``, ``plan``; ``figures``
    what a run consists of, from its configuration alone; declarations and drawing, from tables
``data``; ``noise``, ``mistakes``, ``configuration``
    the samples that everything later shares; noise levels that fit; what is run, checked before
    it is
``extrapolation``
    the clean score from several noise levels
``rulers``, ``estimators``, ``held_out``, ``score``; ``geometry``
    learned against exact, and on points that were held out; the shape of the learned fields
``diagnostics``; ``sampling``
    what draws are worth; all chains of one density
``images``
    images: their sources, models, measures and samples
``claims``; ``report``
    verdicts, from tables alone; one page of them and of the figures

Nothing here imports Snakemake: every module can be used from a notebook.
"""
