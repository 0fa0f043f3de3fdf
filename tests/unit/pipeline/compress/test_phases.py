"""Phases are trained one after the other, the last one keeps its best epoch, seams are reported."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from vcc.compression import file_config, load_schedule
from vcc.compression.schedule.phases import compile_phases
from vcc.models.summary import count_macs, count_parameters
from vcc.pipeline.card import Network
from vcc.pipeline.compress import phases as module
from vcc.pipeline.compress.phases import PhaseTrainer
from vcc.pipeline.compress.scheduler import traced_channels
from vcc.training.best import BestWeights

SCHEDULE = {
    "pruners": {
        "filters": {
            "class": "L1RankedStructureParameterPruner",
            "group_type": "Filters",
            "group_dependency": "Coupled",
            "desired_sparsity": 0.5,
            "weights": ["type:Conv3d"],
        }
    },
    "extensions": {"thinner": {"class": "FilterRemover"}},
    "policies": [
        {"pruner": {"instance_name": "filters"}, "epochs": [0]},
        {"extension": {"instance_name": "thinner"}, "epochs": [2]},
    ],
}


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The stretches of epochs that are trained; none is."""
    found: list[dict[str, Any]] = []

    def train_epochs(network: Network, dataset: Any, **words: Any) -> None:
        found.append(words)
        network.model.eval()

    monkeypatch.setattr(module, "train_epochs", train_epochs)
    return found


def trainer(network: Network, run: Any, *, checkpoints: Any = None) -> PhaseTrainer:
    schedule = load_schedule(SCHEDULE)
    channels = traced_channels(network)
    scheduler = file_config(
        network.model, None, schedule, mask_coupled=True, channels=channels,
        example_input=torch.zeros(2, *network.card.clip_shape),
    )  # fmt: skip
    return PhaseTrainer(
        network,
        None,  # type: ignore[arg-type]
        scheduler,
        schedule=schedule,
        phases=compile_phases(schedule, n_epochs=4),
        teacher=SimpleNamespace(clip_beside=lambda clip: None),  # type: ignore[arg-type]
        checkpoints=checkpoints,
        run=run,
    )


def test_seams_change_the_network_between_stretches_and_are_reported(
    network: Network, run: Any, trained: list[dict[str, Any]]
) -> None:
    dense = count_macs(network.model)
    trainer(network, run).run()
    assert [words["epochs"] for words in trained] == [(0, 2), (2, 4)]
    # Its filters are masked in the first epoch's training, which did not happen: all are left.
    assert run.metrics["macs"] == [count_macs(network.model)]
    assert run.metrics["params"] == [count_parameters(network.model)]
    assert count_macs(network.model) <= dense
    assert isinstance(network.model, nn.Module)


def test_only_the_last_stretch_keeps_its_best_epoch(
    network: Network, run: Any, trained: list[dict[str, Any]]
) -> None:
    trainer(network, run).run()
    best = [[c for c in words["callbacks"] if isinstance(c, BestWeights)] for words in trained]
    assert [len(each) for each in best] == [0, 1]


def test_a_checkpoint_goes_on_where_it_left_off_and_writes_the_next(
    network: Network, run: Any, trained: list[dict[str, Any]]
) -> None:
    asked: list[int] = []

    def callback(_: Network, phase: Any, *, index: int, callbacks: Any) -> str:
        asked.append(index)
        return f"keeper of {index}"

    kept = SimpleNamespace(begin_at=1, resume=None, callback=callback)
    trainer(network, run, checkpoints=kept).run()
    assert asked == [1]
    assert trained[0]["epochs"] == (2, 4)
    assert trained[0]["callbacks"][-1] == "keeper of 1"
