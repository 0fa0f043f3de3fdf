"""Every schedule written for the original package loads (shipped ones: see the file beside)."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from compression_goldens import SCHEDULES

from vcc.compression import load_schedule
from vcc.errors import ScheduleError

GIVEN = sorted(SCHEDULES.glob("*.yaml")) if SCHEDULES.is_dir() else []


@pytest.mark.parametrize("path", GIVEN, ids=lambda path: path.stem)
def test_given_schedule_loads(path: Path) -> None:
    if "invalid" in path.name:
        with pytest.raises(ScheduleError, match=r"invalid\.yaml:49: not valid YAML"):
            load_schedule(path)
        return
    schedule = load_schedule(path)
    assert schedule.policies or schedule.in_section("quantizers")
    assert load_schedule(yaml.safe_load(schedule.to_yaml())) == schedule
