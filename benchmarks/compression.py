"""What the compression scheduler adds to a training step, with AGP on every layer.

    python -m benchmarks.compression [--batches 32,4] [--precisions fp32,bf16] [--steps 5]

Trains the dense ResNet-18 on random clips [N,3,16,112,112], with SGD and momentum, by turns
without the scheduler and with all its callbacks: each pair of steps sees the same clips. Masks are
those of the middle of the ramp. What an epoch's begin costs (one `kthvalue` per layer) is paid once
per epoch and given beside the step.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from vcc.compression import CompressionScheduler, file_config
from vcc.models import build_model

N_CLASSES = 101
# the largest share of a step's time that the scheduler may add: at batch 32 in fp32
TARGET = 0.03
EPOCH = 2
SCHEDULE = {
    "pruners": {
        "agp": {
            "class": "AutomatedGradualPruner",
            "initial_sparsity": 0.1,
            "final_sparsity": 0.8,
            "weights": ["*"],
        }
    },
    "policies": [
        {
            "pruner": {"instance_name": "agp"},
            "starting_epoch": 0,
            "ending_epoch": 5,
            "frequency": 1,
        }
    ],
}


@dataclass(frozen=True)
class Cost:
    """Seconds of a step without and with the scheduler, of its callbacks, of an epoch's begin."""

    plain: list[float]
    scheduled: list[float]
    callbacks: list[float]
    epoch_begin: float

    @property
    def share(self) -> float:
        """The callbacks' time over the rest of the step's, by medians."""
        scheduled = statistics.median(self.scheduled)
        callbacks = statistics.median(self.callbacks)
        return callbacks / (scheduled - callbacks)

    @property
    def ratio(self) -> float:
        """Median over the pairs of turns of the step with the scheduler over that without."""
        pairs = zip(self.scheduled, self.plain, strict=True)
        return statistics.median(scheduled / plain for scheduled, plain in pairs)


class Stopwatch:
    """Sums the time of what it runs."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.seconds = 0.0

    def __call__(self, call: Callable[[], object]) -> None:
        """Run something and add its time."""
        started = now(self.device)
        call()
        self.seconds += now(self.device) - started


def now(device: torch.device) -> float:
    """Return the time once the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


class Trainer:
    """A network with its optimizer, and a scheduler that a step may leave out.

    Args:
        clip: shape of one clip, [3,T,H,W].
        precision: fp32, or bf16 under autocast.
        device: where it trains.
    """

    def __init__(self, clip: tuple[int, ...], precision: str, device: torch.device) -> None:
        self.device, self.bf16 = device, precision == "bf16"
        self.model = build_model(
            "resnet",
            n_classes=N_CLASSES,
            sample_size=clip[-1],
            sample_duration=clip[1],
            model_depth=18,
        ).to(device)
        self.optimizer: Optimizer = SGD(
            self.model.parameters(), lr=1e-3, momentum=0.9, weight_decay=1e-3
        )
        self.scheduler: CompressionScheduler = file_config(self.model, self.optimizer, SCHEDULE)

    def begin(self) -> float:
        """Begin the epoch and return the seconds that it took."""
        watch = Stopwatch(self.device)
        watch(lambda: self.scheduler.on_epoch_begin(EPOCH))
        return watch.seconds

    def step(self, clips: Tensor, labels: Tensor, *, number: int = -1) -> tuple[float, float]:
        """Train one step; return its seconds, and of them those of the callbacks.

        Args:
            clips: [N,3,T,H,W].
            labels: [N].
            number: of the minibatch; -1 leaves the scheduler out.
        """
        watch, here = Stopwatch(self.device), (EPOCH, number, 1000)
        scheduled = number >= 0
        started = now(self.device)
        if scheduled:
            watch(lambda: self.scheduler.on_minibatch_begin(*here))
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            loss = nn.functional.cross_entropy(self.model(clips), labels)
        if scheduled:
            watch(lambda: self.scheduler.before_backward_pass(*here, loss))
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if scheduled:
            watch(lambda: self.scheduler.before_parameter_optimization(*here, self.optimizer))
        self.optimizer.step()
        if scheduled:
            watch(lambda: self.scheduler.on_minibatch_end(*here, self.optimizer))
        return now(self.device) - started, watch.seconds


def measure(
    trainer: Trainer, clip: tuple[int, ...], *, batch: int, steps: int, budget: float
) -> Cost:
    """Time steps in turns.

    Args:
        trainer: what trains.
        clip: shape of one clip.
        batch: clips per step.
        steps: pairs of steps.
        budget: seconds after which no further pair begins.
    """
    clips = torch.randn(batch, *clip, device=trainer.device)
    labels = torch.randint(N_CLASSES, (batch,), device=trainer.device)
    cost = Cost([], [], [], trainer.begin())
    started = time.monotonic()
    trainer.step(clips, labels)
    for number in range(steps):
        if number and time.monotonic() - started > budget:
            break
        cost.plain.append(trainer.step(clips, labels)[0])
        whole, callbacks = trainer.step(clips, labels, number=number)
        cost.scheduled.append(whole)
        cost.callbacks.append(callbacks)
    return cost


def main() -> None:
    """Measure each batch size and precision and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--batches", default="32,4", help="batch sizes")
    parser.add_argument("--precisions", default="fp32,bf16", help="of fp32, bf16")
    parser.add_argument("--steps", type=int, default=5, help="pairs of steps")
    parser.add_argument("--budget", type=float, default=240, help="seconds per row, roughly")
    parser.add_argument("--clip", default="16x112x112", help="frames x height x width")
    options = parser.parse_args()
    clip = (3, *(int(size) for size in options.clip.split("x")))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    where = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    threads = f", {torch.get_num_threads()} threads" if device.type == "cpu" else ""
    sys.stdout.write(f"ResNet-18, clips of {options.clip}, {where}{threads}\n")
    sys.stdout.write(
        "batch precision   step s  callbacks ms   added  with/without  epoch begin ms\n"
    )
    worst = 0.0
    for batch in (int(size) for size in options.batches.split(",")):
        for precision in options.precisions.split(","):
            trainer = Trainer(clip, precision, device)
            cost = measure(trainer, clip, batch=batch, steps=options.steps, budget=options.budget)
            callbacks = 1000 * statistics.median(cost.callbacks)
            sys.stdout.write(
                f"{batch:5d} {precision:9s} {statistics.median(cost.plain):8.2f} {callbacks:13.1f} "
                f"{cost.share:7.2%} {cost.ratio:13.3f} {1000 * cost.epoch_begin:15.0f}\n"
            )
            sys.stdout.flush()
            if batch == 32 and precision == "fp32":
                worst = max(worst, cost.share)
    if worst:
        verdict = "reached" if worst <= TARGET else "MISSED"
        sys.stdout.write(
            f"at batch 32 in fp32: {worst:.2%} added; target {TARGET:.0%}: {verdict}\n"
        )


if __name__ == "__main__":
    main()
