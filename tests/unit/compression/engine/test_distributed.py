"""Two processes with different clips prune the same weights and quantize by the same ranges."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from commands import end_session
from limits import HANG_S

ROOT = Path(__file__).resolve().parents[4]
SUPPORT = ROOT / "tests" / "support"

# Two more processes: 20 s of processor time. CI runs them all the same.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Return what two ranks ended with."""
    folder = tmp_path_factory.mktemp("ranks")
    paths = [str(ROOT), str(SUPPORT)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [
                sys.executable,
                str(SUPPORT / "distributed_rank.py"),
                str(rank),
                str(folder / "store"),
                str(folder / f"{rank}.pt"),
            ],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        for rank in range(2)
    ]
    try:
        for process in processes:
            _, words = process.communicate(timeout=HANG_S)
            assert process.returncode == 0, words
    finally:
        for process in processes:
            end_session(process)
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.mark.parametrize("case", ["agp", "gradients", "activations", "lasso", "under DDP"])
def test_both_ranks_have_the_same_masks(ranks: list[dict[str, Any]], case: str) -> None:
    first, second = (found[case]["masks"] for found in ranks)

    assert first
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not bool(mask.all()) for mask in first.values())


@pytest.mark.parametrize("case", ["agp", "gradients", "activations", "lasso"])
def test_although_their_gradients_differ(ranks: list[dict[str, Any]], case: str) -> None:
    first, second = (found[case]["gradient"] for found in ranks)

    assert not torch.equal(first, second)


@pytest.mark.parametrize("case", ["qat", "ptq"])
def test_both_ranks_have_the_same_ranges(ranks: list[dict[str, Any]], case: str) -> None:
    first, second = (found[case]["ranges"] for found in ranks)

    assert first
    assert all(bool((found[1] > found[0]).all()) for found in first.values())
    assert all(torch.equal(first[name], second[name]) for name in first)
