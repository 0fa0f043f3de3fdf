"""Progress in a log: nothing for short loops, then lines that become rarer, with the time left."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from vcc import progress
from vcc.progress import Ticker, follow, spoken


class Clock:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.1, "1 s"),
        (8, "8 s"),
        (42, "40 s"),
        (89, "90 s"),
        (170, "3 minutes"),
        (3600, "60 minutes"),
        (9000, "2.5 hours"),
    ],
)
def test_times_are_spoken(seconds: float, text: str) -> None:
    assert spoken(seconds) == text


def test_a_short_loop_writes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = Clock()
    ticker = Ticker("prepare", 10, "videos", clock=clock)
    for done in range(1, 11):
        clock.now += 0.9
        ticker.at(done)
    assert not caplog.messages


def test_a_long_loop_says_how_long_it_still_takes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = Clock()
    ticker = Ticker("prepare", 100, "videos", clock=clock)
    for done in range(1, 101):
        clock.now += 4.0
        ticker.at(done)
    assert caplog.messages[0] == "prepare: 3 of 100 videos, about 6 minutes left"
    # After 12, 32, 72, 132, 192, ... of 400 s.
    assert len(caplog.messages) == 8


def test_an_unknown_number_of_turns_has_no_time_left(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = Clock()
    ticker = Ticker("prepare", 0, "videos", clock=clock)
    clock.now += 11.0
    ticker.at(5)
    assert caplog.messages == ["prepare: 5 videos so far"]


def test_following_gives_every_item(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(progress, "on_terminal", lambda: False)
    clock = Clock()

    def slow() -> Iterator[int]:
        for number in range(3):
            clock.now += 15.0
            yield number

    assert list(follow(slow(), "scoring", total=3, unit="videos", clock=clock)) == [0, 1, 2]
    assert caplog.messages == ["scoring: 1 of 3 videos, about 30 s left"]


def test_a_terminal_gets_a_bar(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "on_terminal", lambda: True)
    assert list(follow([1, 2], "scoring")) == [1, 2]
    assert "scoring" in capfd.readouterr().err
