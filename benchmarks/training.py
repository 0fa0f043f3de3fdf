"""How fast a training step is with `train_precision=auto`, against float32, contiguous and eager.

    python -m benchmarks.training [--threads 2] [--rounds 5]

Batch 4, 16x112x112, SGD with momentum, in turns within one process and one network at a time. Every
layer's gradients in what `auto` chose are right: a layer that is not computes in float32, and is
named. The targets are 85 % of what was reached by hand on 2 cores with AVX-512 and bfloat16, for
ResNet-18 with wrong gradients.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from typing import Any

import torch
from torch import nn

from vcc.config.training import TrainingOptions
from vcc.data.machine import usable_cores
from vcc.models import build_model
from vcc.models.pixels import PixelClassifier
from vcc.training.precision.choice import choose_plan
from vcc.training.precision.settings import PrecisionPlan
from vcc.training.precision.timing import PrecisionCandidate, Stepper

NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "ResNet-18": ("resnet", {"model_depth": 18}),
    "MobileNetV2": ("mobilenetv2", {}),
    "CSN-50": ("csn", {"model_depth": 50}),
}
BY_HAND = {"ResNet-18": 3.0, "MobileNetV2": 2.3, "CSN-50": 2.8}
REACHED = 0.85
BATCH, CLASSES = 4, 101
OPTIONS = TrainingOptions(train_precision="auto", learning_rate=0.001, no_cuda=True)


def measure(name: str, rounds: int) -> list[str]:
    """Return the lines of one network: its row, and what was left in float32."""
    family, options = NETWORKS[name]
    torch.manual_seed(0)
    network = build_model(family, n_classes=CLASSES, **options).train()
    classifier = PixelClassifier(network, mean=(114.8, 107.7, 99.5), std=(38.8, 37.9, 40.0))
    clips = torch.randint(0, 256, (BATCH, 3, 16, 112, 112), dtype=torch.uint8)
    labels = torch.arange(BATCH)
    loss = nn.CrossEntropyLoss()
    choice = choose_plan(classifier, clips, labels, loss=loss, options=OPTIONS)
    steppers = [Stepper(classifier, plan, loss, OPTIONS) for plan in (PrecisionPlan(), choice.plan)]
    times: list[list[float]] = [[], []]
    for number in range(rounds + 1):
        for stepper, taken in zip(steppers, times, strict=True):
            seconds = stepper.step(clips, labels)
            if number:
                taken.append(seconds)
    plain, chosen = (statistics.median(taken) for taken in times)
    wanted = REACHED * BY_HAND[name]
    ratio = plain / chosen
    verdict = "reached" if ratio >= wanted else "NOT reached"
    row = (
        f"{name:<12}{1000 * plain:>10.0f} ms{1000 * chosen:>10.0f} ms{ratio:>8.2f}x"
        f"   {wanted:.2f}x {verdict:<12} {choice.plan}"
    )
    return [row, *(f"    {line}" for line in _tried(choice.candidates))]


def _tried(candidates: tuple[PrecisionCandidate, ...]) -> list[str]:
    lines = []
    for candidate in candidates:
        figure = f"{candidate.step_ms:.0f} ms" if candidate.step_ms else candidate.refused
        wrong = ", ".join(candidate.wrong)
        lines.append(f"{candidate.plan.variant.name}: {figure}{'; wrong: ' * bool(wrong)}{wrong}")
    return lines


def main() -> None:
    """Measure every network and write the table."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--threads", type=int, default=min(2, usable_cores()))
    parser.add_argument("--rounds", type=int, default=5, help="timed steps of each")
    parser.add_argument("--networks", nargs="*", default=list(NETWORKS), choices=list(NETWORKS))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    write = sys.stdout.write
    write(f"train step, batch {BATCH}, 16x112x112, {arguments.threads} threads, median of ")
    write(f"{arguments.rounds} in turns\n")
    write(f"{'network':<12}{'fp32 eager':>13}{'auto':>13}{'faster':>9}   wanted\n")
    for name in arguments.networks:
        write("\n".join(measure(name, arguments.rounds)) + "\n")
        sys.stdout.flush()
    write("GPU: not run\n" if not torch.cuda.is_available() else "")


if __name__ == "__main__":
    main()
