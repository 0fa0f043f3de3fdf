"""A whole training: what acts in it, in which order, and what it may go on from."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from lightning.pytorch.callbacks import EarlyStopping

from vcc.config.training import FinetuneOptions, TrainingOptions
from vcc.pipeline.card import Network
from vcc.pipeline.train import checkpointed as module
from vcc.pipeline.train.checkpointed import run_epochs, training_callbacks
from vcc.training.averaging import AveragedWeights
from vcc.training.best import BestWeights


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [BestWeights]),
        ({"ema_decay": 0.5}, [AveragedWeights, BestWeights]),
        ({"early_stopping": 3}, [BestWeights, EarlyStopping]),
        ({"ema_decay": 0.5, "early_stopping": 3}, [AveragedWeights, BestWeights, EarlyStopping]),
    ],
)
def test_the_average_comes_before_the_best_weights(
    options: dict[str, Any], expected: list[type]
) -> None:
    made = training_callbacks(TrainingOptions(ema_decay=options.pop("ema_decay", 0.0), **options))
    assert [type(each) for each in made] == expected
    assert {each.patience for each in made if isinstance(each, EarlyStopping)} <= {3}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What is trained, kept and checked."""
    found: dict[str, Any] = {"checked": []}

    def train_epochs(*words: Any, **more: Any) -> dict[int, dict[str, float]]:
        found.update(more)
        return {0: {"train_loss": 1.0}}

    monkeypatch.setattr(module, "train_epochs", train_epochs)
    monkeypatch.setattr(module, "about_training", lambda card, **words: words)
    monkeypatch.setattr(module, "find_resumption", lambda path: f"resumption of {path.name}")
    monkeypatch.setattr(
        module, "check_same_training", lambda *words: found["checked"].append(words)
    )
    monkeypatch.setattr(module, "resume_checkpoint", lambda *_, **__: "keeper")
    return found


def test_without_checkpoints_all_epochs_are_trained(
    told: dict[str, Any], network: Network, run: Any
) -> None:
    training = dataclasses.replace(network.card.training, n_epochs=3)
    made = Network(model=network.model, card=dataclasses.replace(network.card, training=training))
    nothing: Any = None
    history = run_epochs(made, nothing, run, [], finetune=None, checkpoints=None)
    assert history == {0: {"train_loss": 1.0}}
    assert (told["epochs"], told["span"], told["callbacks"]) == ((0, 3), 3, [])


@pytest.mark.parametrize("resumed", [True, False])
def test_a_checkpoint_is_of_the_same_training(
    told: dict[str, Any], network: Network, run: Any, *, resumed: bool
) -> None:
    plan: Any = SimpleNamespace(resume_from=Path("last.ckpt") if resumed else None)
    finetune = FinetuneOptions(ft_portion="last_layer") if resumed else None
    nothing: Any = None
    run_epochs(network, nothing, run, ["mine"], finetune=finetune, checkpoints=plan)  # type: ignore[list-item]
    assert told["callbacks"] == ["mine", "keeper"]
    if resumed:
        ((resumption, about),) = told["checked"]
        assert resumption == "resumption of last.ckpt"
        assert (about["run_id"], about["ft_portion"]) == (run.run_id, "last_layer")
        assert about["spec"]["family"] == "resnet"
    else:
        assert not told["checked"]
