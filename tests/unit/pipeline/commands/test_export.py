"""An export beside the dense parent: registered with its source's aliases, described, kept."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vcc.config.entrypoints import ExportEntry
from vcc.data.store.prepared import PreparedDataset
from vcc.evaluation.comparison import Variant
from vcc.pipeline.card import Network
from vcc.pipeline.commands import export as command
from vcc.pipeline.source import SourceNetwork


def variant(name: str) -> Variant:
    return Variant(
        name=name, params=10, macs=20, size_bytes=30, sparsity=0.0, clip_top1=0.5, video_top1=0.5,
        test_videos=4, latency_p50_ms=2.0, latency_p95_ms=3.0, runtime="toy CPU",
    )  # fmt: skip


@pytest.fixture
def world(
    network: Network, dataset: PreparedDataset, opened: Any, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> SimpleNamespace:  # fmt: skip
    """A compressed network and its dense parent, and what is exported and registered of them."""
    card = network.card.compressed(
        method="pruning", parent="models:/net/1", training=network.card.training
    )
    version: Any = SimpleNamespace(
        uri="models:/net/2", name="net", number=2, aliases=("challenger", "champion")
    )
    source = SourceNetwork(
        network=Network(model=network.model, card=card), dataset=dataset, version=version
    )
    made = SimpleNamespace(
        runs=opened(command), parents=[], registered=[], logged=[], parent=network, tables=[]
    )

    def export_networks(networks: Any, *_: Any, folder: Path, **__: Any) -> Any:
        made.exported = list(networks)
        found = {}
        for name in networks:
            (folder / f"{name}.onnx").write_bytes(name.encode())
            found[name] = SimpleNamespace(
                path=folder / f"{name}.onnx", variant=variant, profile=None
            )
        return found

    def register(each: Any, **words: Any) -> Any:
        made.registered.append(words)
        return SimpleNamespace(uri="models:/net-onnx/2", model_id="m")

    monkeypatch.setattr(command, "find_source", lambda *_, **__: source)
    monkeypatch.setattr(command, "check_unseen", lambda *_, **words: made.__dict__.update(words))
    monkeypatch.setattr(command, "fetch_parent", lambda card: made.parent)
    monkeypatch.setattr(command, "export_networks", export_networks)
    monkeypatch.setattr(command, "register_parent", lambda uri, *_, **__: made.parents.append(uri))
    monkeypatch.setattr(command, "register_exported", register)
    monkeypatch.setattr(command, "log_exported", lambda *_, model_id: made.logged.append(model_id))
    monkeypatch.setattr(command, "time_exported", lambda *_, **__: "table")
    monkeypatch.setattr(command, "log_table", lambda table, *_, **__: made.tables.append(table))
    monkeypatch.setattr(command, "table_lines", lambda table: ["a line of the table"])
    return made


def test_it_is_compared_with_its_dense_parent_and_registered_as_its_source_is(
    world: SimpleNamespace, network: Network, run: Any, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    command.run_export(ExportEntry(output=tmp_path / "out", latency_table=True))
    assert world.exported == ["dense", "compressed"]
    assert world.parents == ["models:/net/1"]
    (words,) = world.registered
    # `champion` is promote's to give.
    assert words["aliases"] == ["challenger"]
    assert words["checkpoint"].uri == "models:/net/2"
    assert words["tags"] == {"run_id": run.run_id}
    assert world.logged == ["m"]
    assert world.force is False
    assert world.tables == ["table"]
    kept = tmp_path / "out" / f"{network.card.arch}-{network.card.dataset}-compressed.onnx"
    assert kept.read_bytes() == b"compressed"
    assert run.tags["description"].endswith(run.texts["comparison.md"].strip())
    said = capsys.readouterr().out
    assert "a line of the table" in said
    assert said.rstrip().endswith("registered models:/net-onnx/2")


def test_without_a_parent_it_is_alone(
    world: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: Network,
    dataset: PreparedDataset,
) -> None:  # fmt: skip
    source = SourceNetwork(network=network, dataset=dataset, version=None)
    monkeypatch.setattr(command, "find_source", lambda *_, **__: source)
    world.parent = None
    command.run_export(ExportEntry(output=tmp_path, latency_table=False))
    assert world.exported == ["dense"]
    assert not world.parents
    assert world.registered[0]["aliases"] == []
    assert not world.tables
