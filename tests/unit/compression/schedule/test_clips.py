"""The section `clips`: what it may say, what that comes to, and that it survives."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vcc.compression import file_config, load_schedule
from vcc.compression.schedule.clips import resolve_clips
from vcc.compression.schedule.edits import with_clips
from vcc.errors import ScheduleError
from vcc.models import build_model

OWN = {"sample_duration": 16, "downsample": 1, "sample_size": 112}


def load(clips: Any) -> Any:
    return load_schedule({"clips": clips, "policies": []})


def test_numbers_and_factors_are_kept_as_written() -> None:
    schedule = load({"sample_duration": "x0.5", "downsample": 2})
    assert dict(schedule.clips) == {"sample_duration": "x0.5", "downsample": 2}
    assert load_schedule(schedule.as_mapping()) == schedule
    assert schedule.to_yaml().startswith("clips:\n")
    assert schedule != load_schedule({"policies": []})


def test_none_is_none() -> None:
    assert not load(None).clips
    assert "clips" not in load_schedule({"policies": []}).as_mapping()


@pytest.mark.parametrize(
    ("clips", "message"),
    [
        ({"sample_duration": 0}, r"clips.sample_duration: 0 must be at least 1"),
        ({"sample_size": 7}, r"clips.sample_size: 7 must be at least 8"),
        ({"downsample": 1.5}, r"clips.downsample: 1.5 is not a whole number"),
        ({"downsample": True}, r"clips.downsample: True is not a whole number"),
        ({"sample_size": "half"}, r"'half' is neither a whole number nor a factor such as x0.5"),
        ({"sample_size": "x0"}, r"'x0' is neither a whole number nor a factor"),
        ({"sample_size": "x-1"}, r"'x-1' is neither"),
        ({"sample_durations": 8}, r"unknown argument: did you mean sample_duration"),
        (8, r"clips: 8 is not a mapping"),
        ([], r"clips: \[\] is not a mapping"),
    ],
)
def test_what_means_nothing_is_refused(clips: Any, message: str) -> None:
    with pytest.raises(ScheduleError, match=message):
        load(clips)


def test_a_section_that_is_nearly_it_is_named() -> None:
    with pytest.raises(ScheduleError, match="clip: unknown section: did you mean clips"):
        load_schedule({"clip": {}, "policies": []})


def test_factors_are_of_the_baseline_s_figures() -> None:
    asked = {"sample_duration": "x0.5", "downsample": "x2", "sample_size": 80}
    assert resolve_clips(asked, OWN) == {"sample_duration": 8, "downsample": 2, "sample_size": 80}
    # half of 5 is 2.5: halves go up
    assert resolve_clips({"sample_duration": "x0.5"}, {**OWN, "sample_duration": 5}) == {
        "sample_duration": 3
    }
    assert resolve_clips({"sample_size": "x0.01"}, OWN) == {"sample_size": 8}
    assert resolve_clips({}, OWN) == {}


@given(
    st.sampled_from(sorted(OWN)),
    st.integers(8, 500),
    st.floats(0.001, 50).map(lambda factor: round(factor, 3)),
)
def test_a_factor_is_within_half_of_what_it_says(name: str, own: int, factor: float) -> None:
    (value,) = resolve_clips({name: f"x{factor:.3f}"}, {**OWN, name: own}).values()
    least = 8 if name == "sample_size" else 1
    assert value >= least
    assert value == least or math.isclose(value, own * factor, abs_tol=0.5 + 1e-6)


def test_options_win_and_leave_the_rest() -> None:
    schedule = load({"sample_duration": "x0.5", "downsample": 2})
    changed = with_clips(schedule, {"downsample": 4, "sample_size": 64})
    assert dict(changed.clips) == {"sample_duration": "x0.5", "downsample": 4, "sample_size": 64}
    assert with_clips(schedule, {}) is schedule


def test_a_loop_of_one_s_own_makes_its_own_clips() -> None:
    model = build_model("resnet", n_classes=2, model_depth=10, width_mult=0.125)
    scheduler = file_config(model, None, load({"sample_duration": 8}))
    assert scheduler.policies == []
    assert model.spec.sample_duration == 16
