"""How far an analysis is, where there is no terminal."""

from __future__ import annotations

import logging

import pytest

from vcc.pipeline.sensitivity.progress import show_progress


@pytest.mark.parametrize(
    ("count", "told"), [(3, [1, 2, 3]), (20, [*range(2, 21, 2)]), (25, [*range(2, 25, 2)])]
)
def test_a_line_for_about_each_tenth(
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    count: int,
    told: list[int],
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: False, raising=False)
    steps = [f"layer{number}" for number in range(1, count + 1)]
    with caplog.at_level(logging.INFO):
        assert list(show_progress(iter(steps), count)) == steps
    assert caplog.messages == [
        f"sensitivity: {number} of {count}, last layer{number}" for number in told
    ]
