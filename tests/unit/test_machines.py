import json
import os
import platform
import subprocess
import sys

import pytest

from tests.machines import IN_USE, ROOT, SETS, available, flags_of, not_in_use, settled

OLD = "fpu sse sse2 ssse3 sse4_1 sse4_2"
SANDY_BRIDGE = f"{OLD} avx"
HASWELL = f"{SANDY_BRIDGE} fma avx2"
EPYC = f"{HASWELL} sse4a"
KNIGHTS_LANDING = f"{HASWELL} avx512f avx512cd"  # without those that SkylakeX's kernels need
SKYLAKE = f"{KNIGHTS_LANDING} avx512dq avx512bw avx512vl"


@pytest.mark.parametrize(
    ("machine", "flags", "expected"),
    [
        ("x86_64", "fpu sse sse2", ["default"]),
        ("x86_64", OLD, ["SSE"]),
        ("x86_64", SANDY_BRIDGE, ["SSE", "AVX"]),
        ("x86_64", HASWELL, ["SSE", "AVX", "AVX2"]),
        ("x86_64", EPYC, ["SSE", "AVX", "AVX2", "Zen"]),
        ("x86_64", KNIGHTS_LANDING, ["SSE", "AVX", "AVX2"]),
        ("x86_64", SKYLAKE, ["SSE", "AVX", "AVX2", "AVX-512"]),
        ("aarch64", "fp asimd", ["ARMv8"]),
        ("aarch64", "fp asimd asimddp sve", ["ARMv8", "Neoverse N1", "Neoverse V1"]),
        ("riscv64", "", ["default"]),
    ],
)
def test_a_processor_is_tested_with_what_it_has(machine, flags, expected):
    assert [one.name for one in available(machine, flags.split())] == expected


@pytest.mark.parametrize("key", ["flags\t\t: ", "Features\t: "])
def test_flags_are_read_from_what_linux_says(key):
    assert flags_of(f"processor\t: 0\nmodel name\t: X\n{key}{HASWELL}\n\n{key}fpu\n") == set(
        HASWELL.split()
    )
    assert flags_of("processor : 0\n") == set()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, {"SSE": 3, "AVX": 3, "AVX2": 3, "AVX-512": 3}),
        ({"ATEN_CPU_CAPABILITY": "default"}, {"SSE": 2, "AVX": 2, "AVX2": 2, "AVX-512": 2}),
        # of PyTorch's, the first two have the same
        (
            {"OPENBLAS_CORETYPE": "Haswell", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
            {"SSE": 1, "AVX2": 1, "AVX-512": 1},
        ),
    ],
)
def test_what_the_environment_sets_is_left_alone(environment, expected):
    found = list(settled(available("x86_64", SKYLAKE.split()), environment))
    assert {one.name: len(one.chosen) for one in found} == expected
    assert not {name for one in found for name in one.chosen} & environment.keys()


CHOSEN = {"OPENBLAS_CORETYPE": "Zen", "ATEN_CPU_CAPABILITY": "avx2"}


@pytest.mark.parametrize(
    ("openblas", "torch", "expected"),
    [
        (["Zen"], "AVX2", []),
        (["Zen", "Haswell"], "AVX2", ["OPENBLAS_CORETYPE=Zen gives Haswell"]),
        ([], "DEFAULT", ["ATEN_CPU_CAPABILITY=avx2 gives DEFAULT"]),
    ],
)
def test_kernels_that_a_library_lacks_are_named(openblas, torch, expected):
    libraries = [{"internal_api": "openmp"}, *({"architecture": one} for one in openblas)]
    told = {"libraries": libraries, "instructions": {"torch": torch}}
    assert not_in_use(CHOSEN, told) == expected


@pytest.mark.skipif(platform.machine() != "x86_64", reason="these are names of x86 kernels")
def test_the_plainest_kernels_come_into_use():
    chosen = SETS["x86_64"][0].chosen
    told = subprocess.run(
        [sys.executable, "-c", IN_USE],
        cwd=ROOT,
        env=os.environ | chosen,
        capture_output=True,
        check=True,
    ).stdout
    assert not_in_use(chosen, json.loads(told)) == []
    assert chosen.items() <= json.loads(told)["chosen"].items()
