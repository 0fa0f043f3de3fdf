"""The LightningModule: cross-entropy on clips, clip and video accuracy on the dev videos.

It knows nothing of compression or MLflow. A schedule changes the loss through `adjust_loss`, and
everything else through callbacks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import lightning
import numpy as np
import torch
from torch import Tensor, nn

from vcc.config.training import TrainingOptions
from vcc.errors import TrainingError
from vcc.training.loss import make_loss, mix
from vcc.training.optimizers import make_lr_scheduler, make_optimizer


@dataclass(frozen=True, kw_only=True)
class TrainingVideos:
    """What a training step must know of the training videos.

    Attributes:
        names: of each video, for messages.
        labels: of each video, 0..n_classes-1.
        n_classes: number of classes.
        seed: of the draws that a step makes (dropout, mixup).
    """

    names: tuple[str, ...]
    labels: tuple[int, ...]
    n_classes: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class StepOutputs:
    """One batch on its way through a training step.

    Attributes:
        teacher_inputs: pixels [N,3,T,H,W] that a teacher is asked about: as the network saw them,
            or the same moments in the teacher's own clips; uint8, or float after mixup.
        logits: the network's [N,C], with their gradient.
        labels: int64 [N], or class probabilities [N,C] after mixup.
        loss: the classification loss, a scalar with its gradient.
    """

    teacher_inputs: Tensor
    logits: Tensor
    labels: Tensor
    loss: Tensor


# (batch index, batches per epoch, outputs) -> (loss to minimise, its named parts)
AdjustLoss = Callable[[int, int, StepOutputs], tuple[Tensor, Mapping[str, Any]]]


class DevAccuracy(Protocol):
    """Accumulates the clips of the dev videos."""

    def update(self, logits: Tensor, labels: Tensor, videos: Tensor) -> None:
        """Add logits [N,C], labels [N] and video indices [N] of N clips."""

    def video_scores(self) -> Any:
        """Return what was accumulated; it has `.metrics()`, name to value."""

    def reset(self) -> None:
        """Forget what was accumulated."""


class ClassifierModule(lightning.LightningModule):
    """Trains a classifier of pixels.

    Args:
        classifier: maps pixels [N,3,T,H,W] to logits [N,C].
        options: optimizer, loss and learning-rate schedule.
        videos: the training videos that batches refer to.
        dev_accuracy: a metric of the dev clips.
        adjust_loss: adds terms to the loss; None leaves the cross-entropy alone.
        span: epochs that the learning-rate schedule spans; None means the schedule is someone
            else's and the rate is left alone here.
    """

    def __init__(
        self,
        classifier: nn.Module,
        options: TrainingOptions,
        *,
        videos: TrainingVideos,
        dev_accuracy: DevAccuracy,
        adjust_loss: AdjustLoss | None = None,
        span: int | None,
    ) -> None:
        super().__init__()
        self.classifier = classifier
        self.options = options
        self.videos = videos
        self.loss = make_loss(options, videos.labels, videos.n_classes)
        self.dev_accuracy = dev_accuracy
        self.adjust_loss = adjust_loss
        self.span = span
        self._sums: defaultdict[str, float] = defaultdict(float)
        self._seen = 0

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Return the loss of one batch of clips."""
        self._seed_step(batch_idx)
        clips, labels = batch.clips, batch.labels
        # A teacher of other clips than the network's brings its own of the same moments.
        teacher_inputs = getattr(batch, "teacher_clips", None)
        if self.options.mixup_alpha:
            if teacher_inputs is not None:
                teacher_inputs, _ = self._mixed(batch_idx, teacher_inputs, labels)
            clips, labels = self._mixed(batch_idx, clips, labels)
        # In mixed precision the logits are not float32, and the loss of 8 bits would be coarse.
        logits = self.classifier(clips).float()
        loss: Tensor = self.loss(logits, labels)
        right = (logits.detach().argmax(dim=1) == batch.labels).float().mean()
        figures = {"train_loss": loss.detach(), "train_clip_top1": right}
        if self.adjust_loss is not None:
            outputs = StepOutputs(
                teacher_inputs=clips if teacher_inputs is None else teacher_inputs,
                logits=logits,
                labels=labels,
                loss=loss,
            )
            n_batches = int(self.trainer.num_training_batches)
            loss, parts = self.adjust_loss(batch_idx, n_batches, outputs)
            figures |= {f"loss_{name}": value for name, value in parts.items()}
        if not bool(torch.isfinite(loss)):
            raise TrainingError(self._diverged(batch_idx, loss, batch.videos))
        self._seen += len(batch.labels)
        for name, value in figures.items():
            self._sums[name] += float(value) * len(batch.labels)
        return loss

    def train_figures(self) -> dict[str, float]:
        """Return the running epoch's means over this process's clips, and the learning rate."""
        means = {name: total / max(1, self._seen) for name, total in self._sums.items()}
        return {**means, "learning_rate": self._learning_rate()}

    def epoch_figures(self) -> dict[str, float]:
        """Return the same over all processes' clips; every process must call it."""
        sums = torch.tensor([*self._sums.values(), self._seen], dtype=torch.float64)
        if self.trainer.world_size > 1:
            sums = self.trainer.strategy.reduce(sums.to(self.device), reduce_op="sum").cpu()
        *totals, seen = sums.tolist()
        means = {name: total / max(1, seen) for name, total in zip(self._sums, totals, strict=True)}
        return {**means, "learning_rate": self._learning_rate()}

    def on_train_epoch_start(self) -> None:
        """Start the epoch's means afresh."""
        self._sums.clear()
        self._seen = 0

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Accumulate the dev clips of one batch."""
        self.dev_accuracy.update(self.classifier(batch.clips), batch.labels, batch.videos)

    def on_validation_epoch_end(self) -> None:
        """Log the dev accuracy as `dev_clip_top1`, `dev_video_top1`, ... and `dev_loss`."""
        for name, value in self.dev_accuracy.video_scores().metrics().items():
            self.log(f"dev_{name}", value)
        self.dev_accuracy.reset()

    def configure_optimizers(self) -> Any:
        """Return optimizer and learning-rate schedule."""
        optimizer = make_optimizer(self.classifier.parameters(), self.options)
        if self.span is None:
            return optimizer
        steps = int(self.trainer.estimated_stepping_batches) // max(1, self.trainer.max_epochs or 1)
        schedule = make_lr_scheduler(
            optimizer, self.options, steps_per_epoch=max(1, steps), n_epochs=self.span
        )
        return optimizer if schedule is None else {"optimizer": optimizer, "lr_scheduler": schedule}

    def _mixed(self, batch_idx: int, clips: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        # From the same state each time: a teacher's clips are mixed as the student's.
        self._seed_step(batch_idx)
        alpha, n_classes = self.options.mixup_alpha, self.videos.n_classes
        return mix(clips, labels, alpha=alpha, n_classes=n_classes)

    def _seed_step(self, batch_idx: int) -> None:
        # What a step draws depends on where it is, not on what ran before it: an interrupted
        # training that goes on draws the same, whatever its loader workers drew meanwhile.
        key = (self.videos.seed, self.current_epoch, batch_idx, self.global_rank)
        torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1)[0]))

    def _learning_rate(self) -> float:
        optimizer = self.optimizers()
        groups = getattr(optimizer, "param_groups", [])
        return float(groups[0]["lr"]) if groups else float("nan")

    def _diverged(self, batch_idx: int, loss: Tensor, videos: Tensor) -> str:
        names = ", ".join(self.videos.names[int(video)] for video in videos)
        return (
            f"the loss is {float(loss.detach())} at epoch {self.current_epoch}, step {batch_idx}, "
            f"learning rate {self._learning_rate():.3g}: "
            f"try a smaller learning_rate or set gradient_clip; the batch's videos: {names}"
        )
