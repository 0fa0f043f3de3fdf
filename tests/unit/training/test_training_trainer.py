"""The training loop on a toy: it learns, it reports, it keeps the best, it stops at nonsense."""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import lightning
import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping
from torch import Tensor, nn
from torch.utils.data import DataLoader

from vcc.config.training import TrainingOptions
from vcc.errors import ConfigError, StoppedError, TrainingError
from vcc.evaluation.accuracy import VideoAccuracy
from vcc.training.averaging import AveragedWeights
from vcc.training.best import BestWeights
from vcc.training.module import ClassifierModule, StepOutputs, TrainingVideos
from vcc.training.progress import EpochReport
from vcc.training.resume_checkpoint import ABOUT_KEY, LAST_FILE, CheckpointPlan, ResumeCheckpoint
from vcc.training.state_file import read_state
from vcc.training.trainer import choose_accelerator, describe_device, fit

OPTIONS = TrainingOptions(learning_rate=0.1, momentum=0.0, dampening=0.0, no_cuda=True)


class Batch(NamedTuple):
    """As the loaders make them."""

    clips: Tensor
    labels: Tensor
    videos: Tensor


VIDEOS = TrainingVideos(
    names=tuple(f"video{number}" for number in range(8)),
    labels=(0, 0, 0, 0, 1, 1, 1, 1),
    n_classes=2,
    seed=1,
)


class Toy(lightning.LightningDataModule):
    """Eight one-pixel videos: dark ones are class 0, bright ones class 1."""

    def __init__(self) -> None:
        super().__init__()
        clips = torch.tensor([0, 1, 2, 3, 7, 8, 9, 10], dtype=torch.uint8)
        clips = clips.view(8, 1, 1, 1, 1).expand(8, 3, 1, 1, 1).contiguous()
        self.batch = Batch(clips, (torch.arange(8) > 3).long(), torch.arange(8))

    def train_dataloader(self) -> Any:
        return DataLoader([self.batch], batch_size=None)

    def val_dataloader(self) -> Any:
        return DataLoader([self.batch], batch_size=None)


class Pixels(nn.Module):
    """A linear classifier with BatchNorm, whose mode matters."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.linear = nn.Linear(3, 2)

    def forward(self, pixels: Tensor) -> Tensor:
        logits: Tensor = self.linear(self.norm(pixels.float().flatten(1)))
        return logits


def module(adjust_loss: Any = None, options: TrainingOptions = OPTIONS) -> ClassifierModule:
    return ClassifierModule(
        Pixels(),
        options,
        videos=VIDEOS,
        dev_accuracy=VideoAccuracy(n_videos=8, n_classes=2),
        adjust_loss=adjust_loss,
        span=None,
    )


def run(made: ClassifierModule, *, n_epochs: int, callbacks: list[Any]) -> None:
    fit(made, Toy(), made.options, n_epochs=n_epochs, callbacks=callbacks)


def test_it_learns_and_reports_every_epoch() -> None:
    recorded: dict[int, Mapping[str, float]] = {}
    report = EpochReport(first_epoch=3, n_epochs=23, record=recorded.__setitem__)
    made = module()
    run(made, n_epochs=20, callbacks=[report])
    assert sorted(recorded) == list(range(3, 23))
    assert recorded[22]["train_loss"] < recorded[3]["train_loss"]
    assert recorded[22]["dev_video_top1"] == 1.0
    assert set(recorded[3]) == {
        "train_loss",
        "train_clip_top1",
        "learning_rate",
        "dev_clip_top1",
        "dev_video_top1",
        "dev_video_top5",
        "dev_loss",
        "epoch_seconds",
        "data_seconds",
        "step_seconds",
        "data_share",
    }


def test_an_added_term_changes_the_loss_and_is_reported() -> None:
    calls = []

    def adjust(index: int, total: int, outputs: StepOutputs) -> tuple[Tensor, Mapping[str, Any]]:
        calls.append((index, total))
        assert (outputs.teacher_inputs.shape, outputs.logits.shape) == ((8, 3, 1, 1, 1), (8, 2))
        return outputs.loss + 5.0, {"penalty": 5.0}

    recorded: dict[int, Mapping[str, float]] = {}
    report = EpochReport(first_epoch=0, n_epochs=1, record=recorded.__setitem__)
    run(module(adjust), n_epochs=1, callbacks=[report])
    assert calls == [(0, 1)]
    assert recorded[0]["loss_penalty"] == 5.0
    # The reported training loss stays the cross-entropy: runs with and without terms compare.
    assert recorded[0]["train_loss"] < 3.0


def test_a_loss_that_is_not_a_number_stops_the_run_with_a_reason() -> None:
    def poison(index: int, total: int, outputs: StepOutputs) -> tuple[Tensor, Mapping[str, Any]]:
        return outputs.loss * float("nan"), {}

    with pytest.raises(TrainingError, match="nan at epoch 0, step 0, learning rate.*video0"):
        run(module(poison), n_epochs=1, callbacks=[])


def test_a_batch_of_one_value_per_channel_is_one_line() -> None:
    class Lone(Toy):
        def train_dataloader(self) -> Any:
            return DataLoader([Batch(*(part[:1] for part in self.batch))], batch_size=None)

    made = module()
    with pytest.raises(TrainingError, match=r"one clip leaves batch norm.*batch_size=2") as caught:
        fit(made, Lone(), made.options, n_epochs=1, callbacks=[])
    assert "\n" not in str(caught.value)


class Scripted(ClassifierModule):
    """Has dictated dev figures, and writes the epoch's number into its weights."""

    figures: list[tuple[float, float]]

    def on_validation_epoch_end(self) -> None:
        with torch.no_grad():
            self.classifier.linear.bias.fill_(float(self.current_epoch))
        top1, loss = self.figures[self.current_epoch]
        self.log("dev_video_top1", top1)
        self.log("dev_loss", loss)


@pytest.mark.parametrize(
    ("figures", "first_candidate", "kept"),
    [
        ([(0.5, 1.0), (0.9, 1.0), (0.7, 1.0)], 0, 1),
        ([(0.9, 2.0), (0.9, 1.0), (0.9, 3.0)], 0, 1),
        ([(0.9, 1.0), (0.9, 1.0), (0.5, 1.0)], 0, 1),
        ([(0.9, 1.0), (0.5, 1.0), (0.6, 1.0)], 1, 2),
    ],
    ids=["highest accuracy", "then lowest loss", "then the later", "not before the first"],
)
def test_the_best_weights_come_back(
    figures: list[tuple[float, float]], first_candidate: int, kept: int
) -> None:
    # Epochs are absolute: the Trainer's epoch 0 is the run's epoch 10.
    best = BestWeights(first_epoch=10, first_candidate=10 + first_candidate)
    accuracy = VideoAccuracy(n_videos=8, n_classes=2)
    made = Scripted(Pixels(), OPTIONS, videos=VIDEOS, dev_accuracy=accuracy, span=None)
    made.figures = figures
    run(made, n_epochs=3, callbacks=[best])
    assert best.best_epoch == 10 + kept
    assert made.classifier.linear.bias.tolist() == [kept, kept]


def test_the_best_weights_are_the_averaged_ones() -> None:
    averaged, best = AveragedWeights(decay=0.5), BestWeights()
    made = module()
    trained: list[Tensor] = []

    class Watch(lightning.Callback):
        def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
            trained.append(pl_module.classifier.linear.weight.detach().clone())

    run(made, n_epochs=2, callbacks=[Watch(), averaged, best])
    # The first step's weights start the average, the second's count one half.
    assert best.best_epoch == 1
    expected = 0.5 * trained[0] + 0.5 * trained[1]
    torch.testing.assert_close(made.classifier.linear.weight.detach(), expected)
    assert not torch.equal(expected, trained[1])


def test_mixed_batches_train_and_reach_the_loss_hook_as_probabilities() -> None:
    seen: list[StepOutputs] = []

    def watch(index: int, total: int, outputs: StepOutputs) -> tuple[Tensor, Mapping[str, Any]]:
        seen.append(outputs)
        return outputs.loss, {}

    options = dataclasses.replace(OPTIONS, mixup_alpha=0.4, label_smoothing=0.1)
    run(module(watch, options), n_epochs=1, callbacks=[])
    assert seen[0].teacher_inputs.dtype == torch.float32
    assert seen[0].labels.shape == (8, 2)
    torch.testing.assert_close(seen[0].labels.sum(dim=1), torch.ones(8))


def test_a_teacher_s_own_clips_reach_the_loss_hook_mixed_as_the_network_s() -> None:
    class Taught(NamedTuple):
        clips: Tensor
        labels: Tensor
        videos: Tensor
        teacher_clips: Tensor

    class Longer(Toy):
        def train_dataloader(self) -> Any:
            # twice the frames, all alike
            longer = self.batch.clips.expand(8, 3, 2, 1, 1)
            return DataLoader([Taught(*self.batch, longer)], batch_size=None)

    seen: dict[str, list[StepOutputs]] = {"own": [], "taught": []}

    def watch(name: str) -> Any:
        def hook(index: int, total: int, outputs: StepOutputs) -> tuple[Tensor, dict[str, Any]]:
            seen[name].append(outputs)
            return outputs.loss, {}

        return hook

    options = dataclasses.replace(OPTIONS, mixup_alpha=0.4)
    torch.manual_seed(0)
    fit(module(watch("own"), options), Toy(), options, n_epochs=2, callbacks=[])
    torch.manual_seed(0)
    fit(module(watch("taught"), options), Longer(), options, n_epochs=2, callbacks=[])
    for own, taught in zip(seen["own"], seen["taught"], strict=True):
        assert torch.equal(own.logits, taught.logits)
        assert torch.equal(own.labels, taught.labels)
        assert torch.equal(own.teacher_inputs.expand(8, 3, 2, 1, 1), taught.teacher_inputs)


def test_what_a_step_draws_depends_on_its_place_alone() -> None:
    options = dataclasses.replace(OPTIONS, mixup_alpha=0.4)
    losses = []
    for disturbance in (0, 7):
        recorded: dict[int, Mapping[str, float]] = {}
        torch.manual_seed(0)
        made = module(options=options)
        torch.rand(disturbance)
        report = EpochReport(first_epoch=0, n_epochs=2, record=recorded.__setitem__)
        run(made, n_epochs=2, callbacks=[report])
        losses.append([recorded[epoch]["train_loss"] for epoch in (0, 1)])
    assert losses[0] == losses[1]


def test_gradients_accumulate_into_fewer_steps() -> None:
    class Two(Toy):
        def train_dataloader(self) -> Any:
            return DataLoader([self.batch, self.batch, self.batch, self.batch], batch_size=None)

    options = dataclasses.replace(OPTIONS, accumulate=2)
    trainer = fit(module(options=options), Two(), options, n_epochs=3, callbacks=[])
    assert trainer.global_step == 6


def test_a_termination_signal_does_not_look_like_success() -> None:
    class Terminate(lightning.Callback):
        def on_train_batch_start(self, *arguments: Any) -> None:
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(StoppedError, match="stopped by a termination signal"):
            run(module(), n_epochs=2, callbacks=[Terminate()])
    finally:
        signal.signal(signal.SIGTERM, before)


def test_early_stopping_counts_epochs_without_a_lower_dev_loss() -> None:
    figures = [(0.5, 1.0), (0.5, 0.9), (0.9, 0.95), (0.5, 0.9), (0.5, 0.1)]
    made = Scripted(
        Pixels(),
        OPTIONS,
        videos=VIDEOS,
        dev_accuracy=VideoAccuracy(n_videos=8, n_classes=2),
        span=None,
    )
    made.figures = figures
    recorded: dict[int, Mapping[str, float]] = {}
    report = EpochReport(first_epoch=0, n_epochs=5, record=recorded.__setitem__)
    run(made, n_epochs=5, callbacks=[BestWeights(), EarlyStopping("dev_loss", patience=2), report])
    # Neither the third nor the fourth epoch is below the second.
    assert sorted(recorded) == [0, 1, 2, 3]
    assert made.classifier.linear.bias.tolist() == [2, 2]


def test_a_stopped_training_stays_stopped_when_it_is_resumed(tmp_path: Path) -> None:
    """It was killed between its last checkpoint and its end."""
    figures = [(0.5, 1.0), (0.9, 2.0), (0.5, 3.0), (0.5, 4.0), (0.5, 5.0)]
    for resume_from in (None, tmp_path / LAST_FILE):
        made = Scripted(
            Pixels(),
            OPTIONS,
            videos=VIDEOS,
            dev_accuracy=VideoAccuracy(n_videos=8, n_classes=2),
            span=None,
        )
        made.figures = figures
        plan = CheckpointPlan(folder=tmp_path, every_n_epochs=1, resume_from=resume_from)
        stopping = EarlyStopping("dev_loss", patience=2)
        report = EpochReport(first_epoch=0, n_epochs=5, record=lambda epoch, figures: None)
        keeper = ResumeCheckpoint(plan, about={})
        run(made, n_epochs=5, callbacks=[BestWeights(), stopping, report, keeper])
        assert sorted(report.history) == [0, 1, 2]
        assert made.classifier.linear.bias.tolist() == [1, 1]


@pytest.mark.parametrize("poisoned", ["loss", "weights"])
def test_a_training_that_diverges_keeps_and_names_its_last_good_checkpoint(
    tmp_path: Path, poisoned: str
) -> None:
    def adjust(index: int, total: int, outputs: StepOutputs) -> tuple[Tensor, Mapping[str, Any]]:
        bad = poisoned == "loss" and made.current_epoch == 2
        return outputs.loss * (float("nan") if bad else 1.0), {}

    class Poison(lightning.Callback):
        def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
            if poisoned == "weights" and trainer.current_epoch == 2:
                pl_module.classifier.linear.weight.data[0, 0] = float("inf")

    made = module(adjust)
    keeper = ResumeCheckpoint(CheckpointPlan(folder=tmp_path, every_n_epochs=1), about={})
    message = "nan at epoch 2, step 0" if poisoned == "loss" else "after epoch 2 .*not finite"
    with pytest.raises(TrainingError, match=f"{message}.*resume_path={tmp_path / LAST_FILE}"):
        run(made, n_epochs=4, callbacks=[Poison(), keeper])
    state = read_state(tmp_path / LAST_FILE)
    assert state[ABOUT_KEY]["epochs_done"] == 2
    assert all(bool(tensor.isfinite().all()) for tensor in state["state_dict"].values())


def test_without_validation_the_last_epoch_s_weights_are_kept() -> None:
    looked: list[Mapping[str, float]] = []
    options = dataclasses.replace(OPTIONS, no_val=True)
    best = BestWeights()
    report = EpochReport(
        first_epoch=0, n_epochs=2, record=lambda _, figures: looked.append(figures)
    )
    fit(module(options=options), Toy(), options, n_epochs=2, callbacks=[best, report])
    assert best.best_epoch is None
    assert len(looked) == 2
    for figures in looked:
        assert "train_loss" in figures
        assert not any(name.startswith("dev_") for name in figures)


@pytest.mark.parametrize("changes", [{"early_stopping": 3}, {"lr_scheduler": "plateau"}])
def test_what_needs_validation_refuses_to_go_without(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="no_val: early_stopping and lr_scheduler=plateau"):
        dataclasses.replace(OPTIONS, no_val=True, **changes)


def test_a_gradient_is_no_longer_than_the_limit() -> None:
    lengths = []
    for limit in (0.0, 0.01):
        options = dataclasses.replace(OPTIONS, gradient_clip=limit, weight_decay=0.0)
        torch.manual_seed(0)
        made = module(options=options)
        before = nn.utils.parameters_to_vector(made.parameters()).detach().clone()
        fit(made, Toy(), options, n_epochs=1, callbacks=[])
        after = nn.utils.parameters_to_vector(made.parameters()).detach()
        # One step of plain gradient descent.
        lengths.append(float((after - before).norm()) / options.learning_rate)
    assert lengths[0] > 0.1
    assert lengths[1] == pytest.approx(0.01, rel=1e-3)


def test_the_gpu_is_taken_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """No GPU is needed for this: the list of devices is made up."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"made-up GPU {index}")
    assert choose_accelerator(no_cuda=False) == "gpu"
    assert choose_accelerator(no_cuda=True) == "cpu"
    assert describe_device("gpu") == "made-up GPU 0"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_accelerator(no_cuda=False) == "cpu"
    assert describe_device("cpu").startswith("CPU, ")
