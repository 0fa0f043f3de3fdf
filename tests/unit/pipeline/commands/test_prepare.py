"""Prepared data are said where they lie, with the next command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vcc.config.entrypoints import PrepareEntry
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.commands import prepare as command


def test_it_prepares_by_its_options_in_a_run_of_its_own(
    opened: Any, dataset: PreparedDataset, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    given: list[Any] = []
    runs = opened(command)
    monkeypatch.setattr(command, "prepare_step", lambda *words: given.append(words) or dataset)
    options = PrepareEntry(root_path=tmp_path, short_side=20)
    command.run_prepare(options)
    ((chosen, _),) = given
    assert (chosen.root_path, chosen.short_side) == (tmp_path, 20)
    ((name, words),) = runs
    assert (name, words["step"], words["options"]) == ("prepare", "prepare", options)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"prepared {dataset.name} in {dataset.root.resolve()}"
    assert said[1].startswith("next: mlflow run . -e train")
