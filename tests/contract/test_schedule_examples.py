"""The examples of docs/schedules.md load, fit a network, and begin; every class has one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from models_tiny import tiny_clip, tiny_network

from vcc.compression import file_config, load_schedule
from vcc.compression.decomposition.decomposers import DECOMPOSERS
from vcc.compression.policies.distillation import DISTILLERS
from vcc.compression.pruners.base import PRUNERS
from vcc.compression.quantization.settings import QUANTIZERS
from vcc.compression.regularizers.base import REGULARIZERS
from vcc.compression.sensitivity.measured import Measured

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "schedules.md").read_text(), re.DOTALL)
EXAMPLES: list[Any] = [yaml.safe_load(block) for block in BLOCKS]


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_fits_and_begins(number: int) -> None:
    model, clip = tiny_network("resnet18b", width_mult=0.25), tiny_clip()
    schedule = load_schedule(EXAMPLES[number])
    assert not schedule.warnings
    scheduler = file_config(
        model,
        torch.optim.SGD(model.parameters(), lr=0.1),
        schedule,
        mask_coupled=True,
        example_input=clip,
        calibration=lambda: [clip, clip],
        teacher=tiny_network("resnet10a"),
        measure=lambda _: Measured(1.0, 1.0, 0.0),
    )
    scheduler.begin_seam(0)
    assert bool(model(clip).isfinite().all())


def test_every_method_has_an_example() -> None:
    shown = {
        part["class"]
        for example in EXAMPLES
        for section in ("pruners", "regularizers", "quantizers", "distillers", "decomposers")
        for part in example.get(section, {}).values()
    }
    # the ramps of ranked pruners and the clipped quantizers are written like the one that is shown
    alike = {name for name in PRUNERS if name.endswith("_AGP")} | {
        "DorefaQuantizer",
        "WRPNQuantizer",
    }
    assert {*PRUNERS, *REGULARIZERS, *QUANTIZERS, *DISTILLERS, *DECOMPOSERS} - alike <= shown
