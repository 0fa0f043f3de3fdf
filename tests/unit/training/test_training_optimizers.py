"""The thesis's optimizer options mean what they say."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.optim import SGD, AdamW

from vcc.config.training import TrainingOptions
from vcc.errors import ConfigError
from vcc.training.optimizers import make_lr_scheduler, make_optimizer


def parameters() -> list[torch.nn.Parameter]:
    return [torch.nn.Parameter(torch.ones(2))]


def rates(options: TrainingOptions, *, steps: int, epochs: int) -> list[float]:
    """Return the learning rate of every epoch's first step."""
    optimizer = make_optimizer(parameters(), options)
    record: Any = make_lr_scheduler(optimizer, options, steps_per_epoch=steps, n_epochs=epochs)
    seen = []
    for _ in range(epochs):
        seen.append(optimizer.param_groups[0]["lr"])
        for _ in range(steps):
            optimizer.step()
            if record and record["interval"] == "step":
                record["scheduler"].step()
        if record and record["interval"] == "epoch":
            record["scheduler"].step()
    return seen


def test_sgd_is_the_default_with_the_thesis_s_settings() -> None:
    optimizer = make_optimizer(parameters(), TrainingOptions())
    assert isinstance(optimizer, SGD)
    group = optimizer.param_groups[0]
    assert (group["lr"], group["momentum"], group["dampening"], group["weight_decay"]) == (
        0.04,
        0.9,
        0.9,
        1e-3,
    )


def test_nesterov_sets_dampening_to_zero() -> None:
    group = make_optimizer(parameters(), TrainingOptions(nesterov=True)).param_groups[0]
    assert group["nesterov"]
    assert group["dampening"] == 0.0


def test_nesterov_needs_momentum() -> None:
    with pytest.raises(ConfigError, match="nesterov: needs momentum"):
        make_optimizer(parameters(), TrainingOptions(nesterov=True, momentum=0.0))


def test_adamw() -> None:
    options = TrainingOptions(optimizer="adamw", learning_rate=1e-3, weight_decay=0.01)
    optimizer = make_optimizer(parameters(), options)
    assert isinstance(optimizer, AdamW)
    assert optimizer.param_groups[0]["weight_decay"] == 0.01


def test_frozen_parameters_are_left_out() -> None:
    frozen, trained = parameters()[0], parameters()[0]
    frozen.requires_grad_(False)
    optimizer = make_optimizer([frozen, trained], TrainingOptions())
    assert optimizer.param_groups[0]["params"] == [trained]


def test_multistep_divides_by_ten_after_each_listed_epoch() -> None:
    options = TrainingOptions(lr_steps=(2, 3), learning_rate=1.0)
    assert rates(options, steps=2, epochs=5) == pytest.approx([1.0, 1.0, 0.1, 0.01, 0.01])


def test_step_divides_by_ten_after_every_so_many_epochs() -> None:
    options = TrainingOptions(lr_scheduler="step", lr_step_epochs=2, learning_rate=1.0)
    assert rates(options, steps=3, epochs=5) == pytest.approx([1, 1, 0.1, 0.1, 0.01])


def test_constant_stays() -> None:
    assert rates(TrainingOptions(lr_scheduler="constant"), steps=1, epochs=3) == [0.04] * 3


def test_cosine_ends_near_zero() -> None:
    seen = rates(TrainingOptions(lr_scheduler="cosine", learning_rate=1.0), steps=5, epochs=4)
    # Half of a cosine: 1, then (1 + cos(pi/4)) / 2, and so on.
    assert seen == pytest.approx([1.0, 0.853553, 0.5, 0.146447], abs=1e-5)


def test_onecycle_peaks_at_the_given_rate() -> None:
    options = TrainingOptions(lr_scheduler="onecycle", learning_rate=0.5, optimizer="adamw")
    optimizer = make_optimizer(parameters(), options)
    record: Any = make_lr_scheduler(optimizer, options, steps_per_epoch=10, n_epochs=10)
    seen = []
    for _ in range(100):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(seen) < 100:
            record["scheduler"].step()
    assert max(seen) == pytest.approx(0.5)
    assert seen[0] == pytest.approx(0.5 / 25)
    assert seen[-1] < 1e-4


def test_onecycle_works_without_momentum() -> None:
    options = TrainingOptions(lr_scheduler="onecycle", momentum=0.0, dampening=0.0)
    optimizer = make_optimizer(parameters(), options)
    assert make_lr_scheduler(optimizer, options, steps_per_epoch=2, n_epochs=2) is not None


def test_plateau_watches_the_dev_loss() -> None:
    options = TrainingOptions(lr_scheduler="plateau", lr_patience=1)
    record: Any = make_lr_scheduler(
        make_optimizer(parameters(), options), options, steps_per_epoch=1, n_epochs=1
    )
    assert record["monitor"] == "dev_loss"
    assert record["scheduler"].patience == 1


def test_cosine_rises_linearly_first() -> None:
    options = TrainingOptions(lr_scheduler="cosine", learning_rate=1.0, lr_warmup_epochs=2)
    seen = rates(options, steps=5, epochs=6)
    # From a hundredth, halfway after one of two epochs, then half a cosine over four.
    assert seen == pytest.approx([0.01, 0.505, 1.0, 0.853553, 0.5, 0.146447], abs=1e-5)


def test_a_warm_up_as_long_as_the_training_is_refused() -> None:
    options = TrainingOptions(lr_scheduler="cosine", lr_warmup_epochs=2)
    with pytest.raises(ConfigError, match="lr_warmup_epochs: must be fewer than n_epochs"):
        rates(options, steps=5, epochs=2)
