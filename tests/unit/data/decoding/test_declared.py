"""What a file says about itself."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from data_videos import smooth_frames
from recordings import record

from vcc.data.decoding.declared import (
    declared_frames,
    declared_seconds,
    frame_rate,
    video_stream,
)
from vcc.data.decoding.errors import BadVideoError
from vcc.data.decoding.messages import Message


def stream(**changes: Any) -> Any:
    """Return a stream that declares nothing but what is given."""
    values = {
        "average_rate": None,
        "guessed_rate": None,
        "frames": 0,
        "duration": None,
        "time_base": None,
        "start_time": None,
        "metadata": {},
    }
    return SimpleNamespace(**{**values, **changes})


def media(name: str = "matroska,webm", duration: int | None = None) -> Any:
    return SimpleNamespace(format=SimpleNamespace(name=name), duration=duration)


@pytest.mark.parametrize(
    ("average", "guessed", "rate"),
    [
        (Fraction(25), Fraction(30), 25.0),
        (None, Fraction(30000, 1001), pytest.approx(29.97, abs=0.01)),
        (None, None, 0.0),
        (Fraction(0), Fraction(30), 30.0),
        (Fraction(90000), None, 0.0),
        (Fraction(-5), None, 0.0),
    ],
)
def test_nonsense_is_no_rate(average: Any, guessed: Any, rate: float) -> None:
    assert frame_rate(stream(average_rate=average, guessed_rate=guessed)) == rate


@pytest.mark.parametrize(
    ("container", "declared", "seconds"),
    [
        (media(), stream(duration=5000, time_base=Fraction(1, 1000)), 5.0),
        (media(), stream(duration=-5000, time_base=Fraction(1, 1000)), 0.0),
        (media(), stream(metadata={"DURATION": "01:02:03.5"}), 3723.5),
        (media(), stream(metadata={"DURATION": "soon"}), 0.0),
        (media(duration=2_500_000), stream(), 2.5),
        (media(duration=-1), stream(), 0.0),
        (media(), stream(), 0.0),
        # A cut AVI's duration is that of what is left; its count of frames is the declared one.
        (
            media("avi"),
            stream(frames=50, average_rate=Fraction(25), duration=1, time_base=Fraction(1)),
            2.0,
        ),
    ],
)
def test_seconds_are_the_picture_s_else_those_of_all(
    container: Any, declared: Any, seconds: float
) -> None:
    assert declared_seconds(container, declared) == seconds


def test_frames_are_counted_or_follow_from_the_duration() -> None:
    assert declared_frames(media(), stream(frames=7)) == 7
    assert declared_frames(media(duration=2_000_000), stream(average_rate=Fraction(25))) == 50
    assert declared_frames(media(duration=2_000_000), stream()) == 0


def test_a_real_file_says_what_was_written(tmp_path: Path) -> None:
    path = record(tmp_path / "a.avi", smooth_frames(10))
    with av.open(str(path)) as opened:
        found = video_stream(opened, [])
        assert frame_rate(found) == 25.0
        assert declared_frames(opened, found) == 10
        assert declared_seconds(opened, found) == pytest.approx(0.4)


def test_a_file_of_sound_holds_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.mkv"
    with av.open(str(path), "w") as media_file:
        sound = media_file.add_stream("pcm_s16le", rate=8000)
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 80), np.int16), "s16", "mono")
        samples.sample_rate = 8000
        media_file.mux(sound.encode(samples))
    with av.open(str(path)) as opened, pytest.raises(BadVideoError, match="^holds no video$"):
        video_stream(opened, [])


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("Could not find codec parameters (Video: vvc (vvc1), none): unknown", "vvc (vvc1)"),
        ("something else", "not known"),
    ],
)
def test_a_codec_that_cannot_be_decoded_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, named: str
) -> None:
    monkeypatch.setattr("vcc.data.decoding.declared.VideoStream", SimpleNamespace)
    without = SimpleNamespace(disposition=av.stream.Disposition(0), codec_context=None)
    opened: Any = SimpleNamespace(streams=SimpleNamespace(best=lambda _: without))
    with pytest.raises(BadVideoError) as caught:
        video_stream(opened, [Message("matroska", said, is_error=False)])
    assert str(caught.value) == f"its codec cannot be decoded: {named}"


@pytest.mark.parametrize(
    ("average", "guessed", "base", "rate"),
    [
        (1000, 1000, 16000, 1000.0),
        (Fraction(1, 60), None, 15360, 1 / 60),
        # The unit of time stamps is no rate: of DV, and of a live recording.
        (60000, 25, 60000, 25.0),
        (None, 1000, 1000, 0.0),
    ],
)
def test_slow_and_fast_rates(average: Any, guessed: Any, base: int, rate: float) -> None:
    made = stream(average_rate=average, guessed_rate=guessed, time_base=Fraction(1, base))
    assert frame_rate(made) == pytest.approx(rate)


def test_the_time_before_a_late_picture_is_not_counted() -> None:
    late = {"metadata": {"DURATION": "01:00:02.000"}, "start_time": 3_600_000}
    made = stream(**late, time_base=Fraction(1, 1000), average_rate=Fraction(25))
    assert declared_seconds(media(), made) == pytest.approx(2)
    assert declared_frames(media(), made) == 50
