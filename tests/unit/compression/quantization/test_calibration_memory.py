"""Calibration takes clips one by one: more of them take no more memory. In a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from commands import run_command

ROOT = Path(__file__).resolve().parents[4]
MIB = 2**20

CALIBRATE = """
import sys
import torch
from vcc.compression import file_config
from vcc.export.runtimes.memory import watch_memory
from vcc.models import build_model

width, (size, frames, batches, depth, clips) = float(sys.argv[1]), map(int, sys.argv[2:])
torch.set_num_threads(1)
model = build_model("resnet", n_classes=5, model_depth=depth, width_mult=width,
                    sample_size=size, sample_duration=frames).eval()
shape = (3, frames, size, size)
# One batch, lent again and again: only what calibration adds to it counts.
batch = torch.randn(clips, *shape)
schedule = {
    "quantizers": {"q": {"class": "PostTrainLinearQuantizer", "quant_target": "cpu"}},
    "policies": [{"quantizer": {"instance_name": "q"}, "epochs": [0]}],
}
scheduler = file_config(model, None, schedule, example_input=batch[:1],
                        calibration=lambda: (batch for _ in range(batches)))
with watch_memory() as growth:
    scheduler.begin_seam(0)
print(growth.peak_bytes)
"""


def growth(*words: float) -> int:
    """Return the bytes by which calibrating a ResNet grows its process.

    Args:
        words: width, size, frames, number of batches, depth, clips in a batch.
    """
    done = run_command([sys.executable, "-c", CALIBRATE, *map(str, words)], cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])


@pytest.mark.slow
def test_a_large_batch_is_not_run_at_once() -> None:
    # 8 channels of 16x32x32 behind the first layer: 32 MiB in a batch of 64 clips, and several
    # times that with copies in double precision.
    assert growth(0.125, 64, 16, 1, 10, 64) < growth(0.125, 64, 16, 1, 10, 2) + 32 * MIB


@pytest.mark.slow
def test_full_width_takes_less_than_a_gibibyte() -> None:
    assert growth(1.0, 112, 16, 1, 18, 16) < 1024 * MIB
