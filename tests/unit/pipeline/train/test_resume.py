"""A training that is killed and resumed ends as one that was left alone, bit for bit."""

from __future__ import annotations

import dataclasses
import random
import resource
import shutil
from pathlib import Path

import pytest
import torch
from killing import assert_same_state
from training_runs import TRAINING, RecordingRun, tiny_dataset, train_and_die, train_tiny

from vcc.config.training import TrainingOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ConfigError, TrainingError
from vcc.pipeline.card import Network
from vcc.pipeline.source import load_network
from vcc.training.resume_checkpoint import LAST_FILE
from vcc.training.state_file import read_state

STEPS_PER_EPOCH = 3


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    return tiny_dataset(tmp_path_factory.mktemp("resume"))


@pytest.fixture(scope="module")
def uninterrupted(
    dataset: PreparedDataset, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Network, RecordingRun, Path]:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("uninterrupted")
    return *train_tiny(dataset, folder=folder), folder


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 8)]
)
def test_a_training_killed_at_a_random_step_ends_as_if_it_had_not(
    dataset: PreparedDataset,
    uninterrupted: tuple[Network, RecordingRun, Path],
    tmp_path: Path,
    seed: int,
) -> None:
    network, run, _ = uninterrupted
    # Beyond the first epoch, after which there is something to resume from.
    step = random.Random(seed).randint(STEPS_PER_EPOCH + 1, 4 * STEPS_PER_EPOCH)
    train_and_die(dataset.root, tmp_path, at_call=step)
    last = tmp_path / LAST_FILE
    resumed, rest = train_tiny(dataset, folder=tmp_path, resume_from=last)
    assert_same_state(resumed.model, network.model)
    first = (step - 1) // STEPS_PER_EPOCH
    assert rest.figures == {epoch: run.figures[epoch] for epoch in range(first, 4)}, step


@pytest.mark.slow
@pytest.mark.parametrize("options", [
    {"lr_scheduler": "onecycle", "optimizer": "adamw", "ema_decay": 0.0, "learning_rate": 0.001},
    {"lr_scheduler": "cosine", "lr_warmup_epochs": 1, "accumulate": 2},
    {"lr_scheduler": "multistep", "lr_steps": (1, 3), "nesterov": True, "early_stopping": 3},
], ids=["onecycle", "cosine", "multistep"])  # fmt: skip
@pytest.mark.parametrize(
    ("of", "call"), [("step", 4), ("step", 7), ("step", 12), ("fsync", 3), ("fsync", 4)]
)
def test_it_does_so_wherever_it_is_killed(
    dataset: PreparedDataset, tmp_path: Path, options: dict[str, object], of: str, call: int
) -> None:
    training = dataclasses.replace(TRAINING, **options)  # type: ignore[arg-type]
    network, _ = train_tiny(dataset, training=training)
    train_and_die(dataset.root, tmp_path, at_call=call, of=of, training=training)
    last = tmp_path / LAST_FILE
    resumed, _ = train_tiny(dataset, training=training, folder=tmp_path, resume_from=last)
    assert_same_state(resumed.model, network.model)


@pytest.mark.slow
def test_nothing_is_left_to_train_after_the_last_checkpoint(
    dataset: PreparedDataset, uninterrupted: tuple[Network, RecordingRun, Path], tmp_path: Path
) -> None:
    """It was killed after its last epoch, before it was registered."""
    network, _, folder = uninterrupted
    resumed, rest = train_tiny(dataset, folder=tmp_path, resume_from=folder / LAST_FILE)
    assert_same_state(resumed.model, network.model)
    assert rest.figures == {}


def test_the_best_network_lies_beside_it_ready_for_use(
    uninterrupted: tuple[Network, RecordingRun, Path],
) -> None:
    network, _, folder = uninterrupted
    best = load_network(folder / "best")
    assert_same_state(best.model, network.model)
    assert best.card == network.card


@pytest.mark.slow
def test_a_finished_training_goes_on_for_more_epochs(
    dataset: PreparedDataset, uninterrupted: tuple[Network, RecordingRun, Path], tmp_path: Path
) -> None:
    _, run, folder = uninterrupted
    longer = dataclasses.replace(TRAINING, n_epochs=5)
    whole_network, whole = train_tiny(dataset, training=longer)
    network, rest = train_tiny(
        dataset, training=longer, folder=tmp_path, resume_from=folder / LAST_FILE
    )
    assert sorted(rest.figures) == [4]
    assert {**run.figures, **rest.figures} == whole.figures
    assert_same_state(network.model, whole_network.model)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"learning_rate": 0.02}, "learning_rate was 0.01 and is 0.02"),
        ({"n_epochs": 3}, "n_epochs: .* has trained 4 epochs already"),
    ],
)
def test_another_training_is_not_resumed(
    dataset: PreparedDataset,
    uninterrupted: tuple[Network, RecordingRun, Path],
    tmp_path: Path,
    options: dict[str, object],
    message: str,
) -> None:
    training: TrainingOptions = dataclasses.replace(TRAINING, **options)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=message):
        train_tiny(
            dataset,
            training=training,
            folder=tmp_path,
            resume_from=uninterrupted[2] / LAST_FILE,
        )


def test_a_full_disk_keeps_the_previous_checkpoint(
    dataset: PreparedDataset, uninterrupted: tuple[Network, RecordingRun, Path], tmp_path: Path
) -> None:
    last = tmp_path / LAST_FILE
    shutil.copyfile(uninterrupted[2] / LAST_FILE, last)
    before = last.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
    longer = dataclasses.replace(TRAINING, n_epochs=5)
    try:
        with pytest.raises(TrainingError, match="could not be written .File too large.") as seen:
            train_tiny(dataset, training=longer, folder=tmp_path, resume_from=last)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert f"the last good checkpoint is kept: resume_path={last}" in str(seen.value)
    assert last.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [LAST_FILE]
    assert read_state(last)["epoch"] == 3
