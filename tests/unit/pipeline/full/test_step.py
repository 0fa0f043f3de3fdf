"""The pipeline's steps in their order: what each is given of those before it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vcc.config.entrypoints import PipelineEntry
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.full import step as module
from vcc.pipeline.full.step import take_steps


@pytest.fixture
def order(dataset: PreparedDataset, run: Any, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The steps that are taken, with what they are given."""
    found: list[Any] = []

    def step(name: str, result: Any) -> Any:
        def take(*words: Any, **_: Any) -> Any:
            found.append((name, [each for each in words if isinstance(each, str | dict)]))
            return result

        return take

    @contextlib.contextmanager
    def child_run(name: str, options: Any) -> Iterator[str]:
        yield "child"

    exported = {
        name: SimpleNamespace(variant=lambda own: f"variant of {own}", profile=None)
        for name in ("dense", "compressed")
    }
    monkeypatch.setattr(module, "child_run", child_run)
    monkeypatch.setattr(module, "prepare_step", step("prepare", dataset))
    monkeypatch.setattr(module, "train_dense", step("train", ("dense network", "v1")))
    monkeypatch.setattr(module, "compress_dense", step("compress", ("small network", "v2")))
    monkeypatch.setattr(
        module, "evaluate_networks", step("evaluate", {"dense": "s1", "compressed": "s2"})
    )
    monkeypatch.setattr(module, "export_and_register", step("export", exported))
    monkeypatch.setattr(module, "log_report", lambda *words: found.append(("report", words[:2])))
    monkeypatch.setattr(module, "estimate_line", lambda *_: "it takes an hour")
    monkeypatch.setattr(module, "videos_of", lambda *_: None)
    return found


NETWORKS = {"dense": "dense network", "compressed": "small network"}
VERSIONS = {"dense": "v1", "compressed": "v2"}


def test_steps_follow_each_other_and_end_in_the_report(
    order: list[Any], run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    variants, largest = take_steps(PipelineEntry(), run)
    assert variants == ["variant of dense", "variant of compressed"]
    assert largest == 0.5
    *steps, report = order
    assert steps == [
        ("prepare", ["child"]),
        ("train", []),
        ("compress", ["dense network", "v1"]),
        ("evaluate", [NETWORKS, VERSIONS]),
        ("export", [NETWORKS, VERSIONS]),
    ]
    before, after = report[1]
    assert (before.network, before.scored.name, before.scored.scores) == (
        "dense network", "dense", "s1",
    )  # fmt: skip
    assert (after.variant, after.scored.scores) == ("variant of compressed", "s2")
    assert run.tags["dataset"] == "seen"
    assert not capsys.readouterr().out


def test_an_estimate_needs_the_number_of_one_s_own_videos(
    order: list[Any], run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    take_steps(PipelineEntry(videos=tmp_path), run)
    assert capsys.readouterr().out == "it takes an hour\n"
    assert order[0][0] == "prepare"
