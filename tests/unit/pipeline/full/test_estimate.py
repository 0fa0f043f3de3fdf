"""How long the whole path will take: steps timed by a given clock, multiplied."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from vcc.config.data import PrepareOptions
from vcc.config.entrypoints import PipelineEntry
from vcc.data.prepare.run import prepare
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.full.estimate import Videos, estimate_line, expected_videos, videos_of

# A network that a step of takes no time.
SMALL = PipelineEntry(
    width_mult=0.0625, sample_size=16, sample_duration=2, batch_size=2, motion_classes=2
)


@pytest.mark.parametrize(("per_call", "text"), [(0.01, "15 s"), (0.1, "2 minutes")])
def test_it_grows_with_what_a_step_takes(per_call: float, text: str) -> None:
    ticks = itertools.count()
    videos = Videos(n_classes=2, train=4, dev=1, test_clips=4)
    said = estimate_line(SMALL, videos, clock=lambda: per_call * next(ticks))
    assert said == f"this will take about {text} on this machine, as it is used now"


def test_a_user_s_own_videos_are_not_known_before_they_are_prepared() -> None:
    assert expected_videos(PipelineEntry(videos=Path("own"))) is None


def test_what_is_expected_of_the_built_in_data_is_what_is_prepared(tmp_path: Path) -> None:
    options = PipelineEntry(
        root_path=tmp_path, motion_classes=2, motion_clips=1, motion_width=40, motion_height=32,
        short_side=16, n_jobs=1,
    )  # fmt: skip
    dataset = PreparedDataset.open(prepare(options.pick(PrepareOptions)).root)
    assert expected_videos(options) == videos_of(dataset, options)
