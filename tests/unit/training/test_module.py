"""One step of training, without a trainer: the loss, its terms, the means, and what is drawn.

What a trainer makes of it is in test_training_trainer.py.
"""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from vcc.config.training import TrainingOptions
from vcc.errors import TrainingError
from vcc.training.module import AdjustLoss, ClassifierModule, StepOutputs, TrainingVideos

OPTIONS = TrainingOptions(optimizer="sgd", learning_rate=0.25)
VIDEOS = TrainingVideos(names=("walk 1", "run 1"), labels=(0, 1), n_classes=2, seed=5)


class Weighed(nn.Module):
    """Logits [N,2] of the clips' means, in half precision, with dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0, -1.0]))
        self.dropout = nn.Dropout(0.5)

    def forward(self, pixels: Tensor) -> Tensor:
        return (self.dropout(pixels.float().mean((1, 2, 3, 4)))[:, None] * self.weight).bfloat16()


class Accuracy:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.clips = 0

    def update(self, logits: Tensor, labels: Tensor, videos: Tensor) -> None:
        self.clips += len(labels)

    def video_scores(self) -> Any:
        return SimpleNamespace(metrics=lambda: {"video_top1": self.clips / 4, "loss": 1.0})

    def reset(self) -> None:
        self.clips = 0


def made(
    adjust_loss: AdjustLoss | None = None, span: int | None = None, **changes: Any
) -> ClassifierModule:
    """Return a module in the third of three epochs of five batches, in a trainer's place."""
    options = dataclasses.replace(OPTIONS, **changes)
    module = ClassifierModule(
        Weighed(),
        options,
        videos=VIDEOS,
        dev_accuracy=Accuracy(),
        adjust_loss=adjust_loss,
        span=span,
    )
    optimizer = torch.optim.SGD(module.parameters(), lr=0.25)
    module._trainer = SimpleNamespace(
        num_training_batches=5,
        estimated_stepping_batches=15,
        max_epochs=3,
        current_epoch=2,
        global_rank=0,
        world_size=1,
        strategy=SimpleNamespace(_lightning_optimizers=[optimizer], optimizers=[optimizer]),
    )
    return module


def batch(*values: float, **more: Any) -> Any:
    clips = torch.tensor(values).view(-1, 1, 1, 1, 1).expand(-1, 3, 1, 1, 1)
    ones = torch.ones(len(values), dtype=torch.long)
    return SimpleNamespace(clips=clips, labels=0 * ones, videos=ones, **more)


def test_the_loss_is_taken_in_float_and_the_means_count_clips() -> None:
    module = made().eval()
    first = module.training_step(batch(1.0), 0)
    assert first.dtype == torch.float32
    assert float(first.detach()) == pytest.approx(float(torch.tensor(-2.0).exp().log1p()), rel=1e-3)
    # Twice wrong: of four clips two are right.
    module.training_step(batch(1.0, -1.0, -1.0), 1)
    figures = module.train_figures()
    assert figures["train_clip_top1"] == pytest.approx(0.5)
    assert figures["learning_rate"] == 0.25
    assert module.epoch_figures() == figures
    module.on_train_epoch_start()
    assert module.train_figures() == {"learning_rate": 0.25}


def test_a_hook_sees_the_step_and_its_terms_are_reported_apart() -> None:
    seen: list[Any] = []

    def adjust(index: int, total: int, outputs: StepOutputs) -> tuple[Tensor, dict[str, Any]]:
        seen.append((index, total, outputs))
        return outputs.loss + 5, {"penalty": 5.0}

    module, clips = made(adjust).eval(), batch(1.0)
    loss = module.training_step(clips, 3)
    index, total, outputs = seen[0]
    assert (index, total) == (3, 5)
    assert outputs.teacher_inputs is clips.clips
    assert outputs.logits.requires_grad
    figures = module.train_figures()
    assert figures["loss_penalty"] == 5.0
    assert figures["train_loss"] == pytest.approx(float(loss.detach()) - 5, abs=1e-5)


def test_a_teacher_s_own_clips_are_mixed_as_the_network_s() -> None:
    seen: list[StepOutputs] = []

    def adjust(_: int, __: int, outputs: StepOutputs) -> tuple[Tensor, dict[str, Any]]:
        seen.append(outputs)
        return outputs.loss, {}

    module = made(adjust, mixup_alpha=0.4)
    module.training_step(batch(1.0, 2.0), 0)
    module.training_step(batch(1.0, 2.0, teacher_clips=batch(1.0, 2.0).clips), 0)
    assert torch.equal(seen[0].teacher_inputs, seen[1].teacher_inputs)
    assert not torch.equal(seen[1].teacher_inputs, batch(1.0, 2.0).clips)
    assert seen[0].labels.shape == (2, 2)


def test_what_a_step_draws_depends_on_its_place_alone() -> None:
    def loss(index: int, disturbance: int = 0) -> float:
        torch.rand(disturbance)
        return float(made().train().training_step(batch(*[1.0] * 16), index).detach())

    assert loss(0) == loss(0, disturbance=7)
    assert loss(0) != loss(1)


def test_a_loss_that_is_no_number_names_the_place_and_the_videos() -> None:
    message = r"loss is nan at epoch 2, step 4, learning rate 0.25: .*gradient_clip.*videos: run 1$"
    with pytest.raises(TrainingError, match=message):
        made().training_step(batch(float("nan")), 4)


def test_dev_figures_are_logged_and_begun_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    module, logged = made().eval(), {}
    monkeypatch.setattr(module, "log", logged.__setitem__)
    module.validation_step(batch(1.0, 1.0), 0)
    module.on_validation_epoch_end()
    assert logged == {"dev_video_top1": 0.5, "dev_loss": 1.0}
    assert module.dev_accuracy.video_scores().metrics()["video_top1"] == 0


def test_the_learning_rate_is_the_schedule_s_unless_it_is_somebody_else_s() -> None:
    assert isinstance(made().configure_optimizers(), torch.optim.Optimizer)
    both = made(span=3, lr_scheduler="step", lr_step_epochs=1).configure_optimizers()
    optimizer, scheduler = both["optimizer"], both["lr_scheduler"]
    before = optimizer.param_groups[0]["lr"]
    kept = scheduler["scheduler"] if isinstance(scheduler, dict) else scheduler
    optimizer.step()
    kept.step()
    assert optimizer.param_groups[0]["lr"] < before
    assert isinstance(
        made(span=3, lr_scheduler="constant").configure_optimizers(), torch.optim.Optimizer
    )
