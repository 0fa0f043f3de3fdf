"""A command's run that is only remembered, so that its own steps are what is tested."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

Opened = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def opened(run: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[ModuleType], Opened]:
    """Let a command open the remembered run; return what it opens, by name and words."""

    def of(command: ModuleType) -> Opened:
        found: Opened = []

        @contextlib.contextmanager
        def open_run(name: str, **words: Any) -> Iterator[Any]:
            found.append((name, words))
            yield run

        monkeypatch.setattr(command, "connect", lambda: "sqlite:///here.db")
        monkeypatch.setattr(command, "open_run", open_run)
        return found

    return of
