"""Every schedule loads: those that are shipped, and those written for the original package."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from compression_goldens import SCHEDULES

from vcc.compression import compile_phases, file_config, last_epoch, load_schedule
from vcc.errors import ScheduleError
from vcc.models import build_model

SHIPPED = sorted((Path(__file__).resolve().parents[2] / "schedules").glob("*.yaml"))
GIVEN = sorted(SCHEDULES.glob("*.yaml")) if SCHEDULES.is_dir() else []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_schedule_loads_and_fits_its_family(path: Path) -> None:
    import torch

    header = path.read_text().splitlines()[:6]
    assert all(line.startswith("# ") for line in header)
    schedule = load_schedule(path)
    assert not schedule.warnings
    assert load_schedule(yaml.safe_load(schedule.to_yaml())) == schedule
    family = path.stem.split("_")[0]
    model = build_model(family, n_classes=3, sample_size=32, sample_duration=4, width_mult=0.25)
    file_config(model, None, schedule, example_input=torch.zeros(1, 3, 4, 32, 32))
    assert compile_phases(schedule, last_epoch(schedule))


@pytest.mark.parametrize("path", GIVEN, ids=lambda path: path.stem)
def test_given_schedule_loads(path: Path) -> None:
    if "invalid" in path.name:
        with pytest.raises(ScheduleError, match=r"invalid\.yaml:49: not valid YAML"):
            load_schedule(path)
        return
    schedule = load_schedule(path)
    assert schedule.policies or schedule.in_section("quantizers")
    assert load_schedule(yaml.safe_load(schedule.to_yaml())) == schedule
