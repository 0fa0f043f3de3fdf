"""A compression that is killed and resumed ends as one that was left alone, bit for bit."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from compression_runs import SCHEDULES, compress_and_die, compress_tiny
from killing import assert_same_state
from tiny_compression import Recorded, tiny_dataset

from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ConfigError
from vcc.pipeline.card import Network
from vcc.training.resume_checkpoint import LAST_FILE

EPOCHS = {"chain": 5, "pruning": 4, "pact": 4}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    return tiny_dataset(tmp_path_factory.mktemp("resume"))


@pytest.fixture(scope="module")
def uninterrupted(
    dataset: PreparedDataset, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Network, Recorded, Path]:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("uninterrupted")
    return *compress_tiny(dataset, "chain", folder=folder), folder


def steps_per_epoch(dataset: PreparedDataset) -> int:
    return -(-len(dataset.videos("train")) // 12)


def killed_and_resumed(
    dataset: PreparedDataset, folder: Path, name: str, *, at_step: int
) -> tuple[Network, Recorded]:
    compress_and_die(dataset.root, folder, name, at_step=at_step)
    return compress_tiny(dataset, name, folder=folder, resume_from=folder / LAST_FILE)


def assert_goes_on(rest: Recorded, whole: Recorded, *, first: int) -> None:
    """Compare the figures of the epochs that were trained again or for the first time."""
    for name in ("train_loss", "dev_loss", "learning_rate", "sparsity", "loss_Distill Loss"):
        if name in whole.metrics:
            wanted = {e: value for e, value in whole.metrics[name].items() if e >= first}
            assert rest.metrics[name] == wanted, name


@pytest.mark.parametrize(
    "seed",
    [pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 8)],
)
def test_a_chain_killed_at_a_random_step_ends_as_if_it_had_not(
    dataset: PreparedDataset,
    uninterrupted: tuple[Network, Recorded, Path],
    tmp_path: Path,
    seed: int,
) -> None:
    """Filters pruned, removed, fine-tuned and quantized: every structure may be the one of then."""
    network, run, _ = uninterrupted
    n_steps = steps_per_epoch(dataset)
    step = random.Random(seed).randint(n_steps + 1, EPOCHS["chain"] * n_steps)

    resumed, rest = killed_and_resumed(dataset, tmp_path, "chain", at_step=step)

    assert_same_state(resumed.model, network.model)
    assert_goes_on(rest, run, first=(step - 1) // n_steps)


@pytest.mark.slow
@pytest.mark.parametrize("epoch", [1, 2, 3])
@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_it_does_so_in_every_epoch_of_every_kind(
    dataset: PreparedDataset, tmp_path: Path, name: str, epoch: int
) -> None:
    network, run = compress_tiny(dataset, name, folder=tmp_path / "whole")
    step = epoch * steps_per_epoch(dataset) + 1

    resumed, rest = killed_and_resumed(dataset, tmp_path / "killed", name, at_step=step)

    assert_same_state(resumed.model, network.model)
    assert_goes_on(rest, run, first=epoch)


@pytest.mark.slow
def test_nothing_is_left_to_train_after_the_last_checkpoint(
    dataset: PreparedDataset, uninterrupted: tuple[Network, Recorded, Path], tmp_path: Path
) -> None:
    network, _, folder = uninterrupted

    resumed, rest = compress_tiny(dataset, "chain", folder=tmp_path, resume_from=folder / LAST_FILE)

    assert_same_state(resumed.model, network.model)
    assert "train_loss" not in rest.metrics


def test_another_schedule_is_not_resumed(
    dataset: PreparedDataset, uninterrupted: tuple[Network, Recorded, Path], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="is of another training: .*: give the options"):
        compress_tiny(dataset, "pact", folder=tmp_path, resume_from=uninterrupted[2] / LAST_FILE)


def test_fewer_epochs_than_were_trained_are_refused(
    dataset: PreparedDataset, uninterrupted: tuple[Network, Recorded, Path], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="has trained 5 epochs already"):
        compress_tiny(
            dataset,
            "chain",
            folder=tmp_path,
            resume_from=uninterrupted[2] / LAST_FILE,
            n_epochs=4,
        )
