"""The run of one step, a child of the pipeline's."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from vcc.config.data import ClipOptions
from vcc.pipeline.full import child_run as child_run_module
from vcc.pipeline.full.child_run import child_run


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, run: Any) -> list[tuple[str, str]]:
    """Names and steps of the runs that were opened."""
    names: list[tuple[str, str]] = []

    @contextlib.contextmanager
    def open_run(name: str, *, step: str, options: Any) -> Iterator[Any]:
        names.append((name, step))
        yield run

    monkeypatch.setattr(child_run_module, "open_run", open_run)
    return names


def test_its_step_is_the_first_word_and_its_seconds_are_logged(
    opened: list[tuple[str, str]], run: Any
) -> None:
    with child_run("evaluate dense", ClipOptions()) as found:
        assert found is run
        assert "seconds" not in run.metrics
    assert opened == [("evaluate dense", "evaluate")]
    assert run.metrics["seconds"][0] >= 0


@pytest.mark.usefixtures("opened")
def test_a_step_that_failed_has_no_seconds(run: Any) -> None:
    def fail() -> None:
        with child_run("train", ClipOptions()):
            raise EOFError

    with pytest.raises(EOFError):
        fail()
    assert run.metrics == {}
