"""The pipeline's export: all files at once, each in a run of its own, registered with its alias."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from vcc.config.entrypoints import PipelineEntry
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.full import exported as module
from vcc.pipeline.full.exported import export_and_register


@pytest.fixture
def world(run: Any, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What is exported, logged and registered."""
    made = SimpleNamespace(runs=[], logged=[], registered={}, tables=[])

    @contextlib.contextmanager
    def child_run(name: str, options: Any) -> Iterator[Any]:
        made.runs.append(name)
        yield run

    def export_networks(networks: Any, *_: Any, folder: Any, **words: Any) -> Any:
        made.folder, made.words = folder, words
        return {
            name: SimpleNamespace(name=name, metrics=lambda: {"size_bytes": 1.0}, profile=None)
            for name in networks
        }

    def register(exported: Any, **words: Any) -> Any:
        made.registered[exported.name] = words
        return SimpleNamespace(model_id=f"model of {exported.name}")

    monkeypatch.setattr(module, "child_run", child_run)
    monkeypatch.setattr(module, "export_networks", export_networks)
    monkeypatch.setattr(module, "log_exported", lambda each, child: made.logged.append(each.name))
    monkeypatch.setattr(module, "register_exported", register)
    monkeypatch.setattr(module, "time_exported", lambda *_, **__: "table")
    monkeypatch.setattr(module, "log_table", lambda table, *_, **__: made.tables.append(table))
    monkeypatch.setattr(module, "table_lines", lambda table: ["a line of the table"])
    return made


NETWORKS: Any = {"dense": "n1", "compressed": "n2"}
VERSIONS: Any = {"dense": "v1", "compressed": "v2"}


def test_each_network_has_its_run_its_version_and_its_alias(
    world: SimpleNamespace, dataset: PreparedDataset, run: Any
) -> None:
    options = PipelineEntry(latency_table=False, max_videos=3)
    found = export_and_register(NETWORKS, VERSIONS, dataset, options, run=run)
    assert list(found) == ["dense", "compressed"]
    assert world.runs == ["export dense", "export compressed", "register"]
    assert world.logged == ["dense", "compressed"]
    assert world.words["run_id"] == run.run_id
    assert [words["checkpoint"] for words in world.registered.values()] == ["v1", "v2"]
    assert [words["aliases"] for words in world.registered.values()] == [
        ("baseline",),
        ("challenger",),
    ]
    assert world.registered["dense"]["serving"].max_videos == 3
    # The files are gone.
    assert not world.folder.exists()
    assert not world.tables


def test_the_table_of_runtimes_is_the_pipeline_s(
    world: SimpleNamespace, dataset: PreparedDataset, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    export_and_register(NETWORKS, VERSIONS, dataset, PipelineEntry(latency_table=True), run=run)
    assert world.tables == ["table"]
    assert "a line of the table" in capsys.readouterr().out
