"""Measure what the image models have learned."""

from job import logged

with logged(snakemake):
    import torch

    from autoscore.files.storage import read_arrays, write_arrays, write_table
    from autoscore.images.data import restored
    from autoscore.images.score import Evaluation
    from autoscore.models.registry import load_stack
    from autoscore.numerics.devices import device_of
    from autoscore.numerics.grids import noise_levels

    torch.set_num_threads(snakemake.threads)
    asked, outputs = snakemake.params, snakemake.output
    device = device_of(asked.settings["device"])
    stacks = {
        name: load_stack(path).to(device)
        for name, path in zip(asked.models, snakemake.input.learned, strict=True)
    }
    images = restored(read_arrays(snakemake.input.images))
    sigmas, most = noise_levels(asked.settings["sigmas"]), asked.settings["held_out"]
    evaluation = Evaluation(images, stacks, sigmas, asked.seed, most)
    for table in ("denoising", "spectra", "noise_levels", "energies"):
        print(f"measuring {table}")
        write_table(outputs[table], getattr(evaluation, table)().assign(dataset=images.name))
    write_arrays(outputs.tangents, evaluation.tangents(asked.settings["shown_sigma"]))
