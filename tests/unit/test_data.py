import numpy as np
import pytest
from scipy.stats import kstest, norm

from autoscore.configuration import complete
from autoscore.data import draw_data, target
from autoscore.densities.kernels import KernelDensity
from autoscore.densities.mixtures import GaussianMixture
from tests.unit.oracles import FALSE_ALARM

GAUSSIAN = {
    "kind": "mixture",
    "weights": [1, 2],
    "means": [[0.5], [0.5]],
    "standard_deviations": [0.3, 0.3],
}


def entry_of(density, **train):
    return complete({"densities": {"target": density | {"train": train}}})["densities"]["target"]


def drawn(seed=0, name="target", **train):
    return draw_data(seed, name, entry_of(GAUSSIAN, **train))


def test_a_density_gives_samples_for_every_seed():
    data = drawn(seeds=3, sizes=["exact", 20, 2000], validation=500)
    assert data["train"].shape == (3, 2000, 1)
    assert data["validation"].shape == (500, 1)
    assert data["held_out"].shape == (0, 1)
    for points in (*data["train"], data["validation"]):
        assert kstest(points[:, 0], norm(0.5, 0.3).cdf).pvalue > FALSE_ALARM
    assert len(np.unique(np.concatenate([*data["train"], data["validation"]]))) == 6500


def test_in_the_plane_draws_are_held_out_to_measure_with():
    """In one dimension measurements are integrals."""
    plane = GAUSSIAN | {"means": [[0.5, -1.0], [0.5, -1.0]]}
    data = draw_data(0, "plane", entry_of(plane, seeds=1, sizes=[20]))
    assert data["held_out"].shape[1] == 2
    for axis, mean in enumerate((0.5, -1.0)):
        assert kstest(data["held_out"][:, axis], norm(mean, 0.3).cdf).pvalue > FALSE_ALARM
    others = np.concatenate([data["train"][0], data["validation"]])
    assert not np.isin(data["held_out"], others).any()


def test_without_sizes_nothing_is_drawn_to_train_on():
    assert drawn(seeds=2, sizes=["exact"])["train"].shape == (2, 0, 1)


def test_more_seeds_change_no_other_seed():
    few, many = drawn(seeds=2, sizes=[50]), drawn(seeds=4, sizes=[50])
    np.testing.assert_array_equal(few["train"], many["train"][:2])
    np.testing.assert_array_equal(few["validation"], many["validation"])


def test_more_points_change_no_other_point():
    few, many = drawn(seeds=1, sizes=[50]), drawn(seeds=1, sizes=[80])
    np.testing.assert_array_equal(few["train"], many["train"][:, :50])


def test_data_depend_on_the_seed_and_on_the_name():
    first = drawn(sizes=[50], seeds=1)
    np.testing.assert_array_equal(first["train"], drawn(sizes=[50], seeds=1)["train"])
    for other in (drawn(1, sizes=[50], seeds=1), drawn(name="other", sizes=[50], seeds=1)):
        assert not np.isclose(first["train"], other["train"]).any()


@pytest.fixture
def file(tmp_path):
    points = np.arange(40.0).reshape(20, 2)
    np.save(tmp_path / "points.npy", points)
    return {"kind": "samples", "path": str(tmp_path / "points.npy")}, points


@pytest.mark.parametrize(("held_out", "sizes"), [(0.2, (12, 4, 4)), (0.4, (4, 8, 8))])
def test_a_file_is_split_and_shuffled_without_loss(held_out, sizes, file):
    entry, points = file
    data = draw_data(0, "file", entry_of(entry, held_out=held_out))
    assert data["train"].shape == (1, sizes[0], 2)
    assert (len(data["validation"]), len(data["held_out"])) == sizes[1:]
    together = np.concatenate([data["train"][0], data["validation"], data["held_out"]])
    assert not np.array_equal(together, points)
    np.testing.assert_array_equal(together[together[:, 0].argsort()], points)


def test_the_split_depends_on_the_seed_alone(file):
    entry = entry_of(file[0])
    first, again, other = (draw_data(seed, "file", entry)["train"] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_written_points_are_all_trained_on():
    entry = {"kind": "samples", "points": [[-0.5], [0.0], [0.5]]}
    data = draw_data(0, "points", entry_of(entry, sizes=["all"]))
    np.testing.assert_array_equal(data["train"], [[[-0.5], [0.0], [0.5]]])
    assert data["validation"].shape == data["held_out"].shape == (0, 1)


def test_what_is_learned_from_a_file_is_its_training_part(file):
    entry = entry_of(file[0])
    data = draw_data(0, "file", entry)
    learned = target(entry, data)
    assert isinstance(learned, KernelDensity)
    np.testing.assert_array_equal(learned.points, data["train"][0])
    assert isinstance(target(entry_of(GAUSSIAN), drawn(seeds=1, sizes=[5])), GaussianMixture)
