"""Which schedule the options of a compression mean, before anything is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from vcc.compression.schedule.shipped import SCHEDULES
from vcc.config.compression import CompressionOptions
from vcc.errors import ConfigError
from vcc.pipeline.card import Network
from vcc.pipeline.sensitivity.summary import schedule_of_options

# none of these looks at the network
NETWORK = cast(Network, None)


def test_a_shipped_schedule_is_found_by_the_guide_s_path_in_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = CompressionOptions(schedule=Path("schedules/train_on.yaml"))
    assert schedule_of_options(NETWORK, shipped) == SCHEDULES / "train_on.yaml"
    own = CompressionOptions(schedule=tmp_path / "mine.yaml")
    assert schedule_of_options(NETWORK, own) == tmp_path / "mine.yaml"
    assert schedule_of_options(NETWORK, CompressionOptions()) is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"schedule": Path("mine.yaml")}, "both given"),
        ({"compression_type": ("ep", "qat")}, "qat is not what a summary says"),
    ],
)
def test_a_summary_makes_the_schedule_alone(given: dict[str, Any], message: str) -> None:
    options = CompressionOptions(summary_path=Path("summary.csv"), **given)
    with pytest.raises(ConfigError, match=message):
        schedule_of_options(NETWORK, options)
