"""An exported file's figures, and the versions that it becomes, whose aliases move last."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vcc.config.serving import ServingOptions
from vcc.export.benchmark import Latency
from vcc.export.parity import Parity
from vcc.export.runtimes.session import Coverage, Node
from vcc.pipeline.card import Network
from vcc.pipeline.evaluate.step import size_figures
from vcc.pipeline.export import record as module
from vcc.pipeline.export.record import Exported, log_exported, register_exported, register_parent
from vcc.tracking.registry import Version

NODES = (Node(name="a", kernel="k", int8=True), Node(name="b", kernel="k", int8=False))


def exported(network: Network, **changes: Any) -> Exported:
    latency = Latency(
        runtime="toy CPU", precision="int8", batch=1, runs=5, p50_ms=2.0, p90_ms=2.5, p95_ms=3.0,
        p99_ms=4.0, rounds_ms=(2.0, 2.0),
    )  # fmt: skip
    parity = Parity(
        clips=2, max_difference=0.1, mean_difference=0.05, scale=1.0, top1_agreement=1.0, held=1.0,
        one_class=False,
    )  # fmt: skip
    values: dict[str, Any] = {
        "network": network, "path": Path("net.onnx"), "size_bytes": 100, "parity": parity,
        "latency": latency, "profile": None, "coverage": Coverage(runtime="toy CPU", nodes=NODES),
        "quant_target": "cpu", "overflow": "safe", "clip_top1": 0.5, "video_top1": 0.75,
        "test_videos": 4, "clips_per_video": 2.0,
    }  # fmt: skip
    return Exported(**{**values, **changes})


def test_figures_have_their_logged_names(network: Network, run: Any) -> None:
    made = exported(network)
    metrics = made.metrics()
    assert metrics["params"] == size_figures(network)["params"]
    assert metrics["macs_per_video"] == 2 * metrics["macs"]
    assert (metrics["int8_layers"], metrics["layers"]) == (1.0, 2.0)
    assert (metrics["latency_p50_ms"], metrics["size_bytes"]) == (2.0, 100.0)
    assert metrics["parity_max_difference"] == 0.1
    assert made.tags() == {
        "runtime": "toy CPU", "precision": "int8", "quant_target": "cpu", "overflow": "safe",
    }  # fmt: skip
    log_exported(made, run)
    assert {name: value[0] for name, value in run.metrics.items()} == metrics
    assert run.tags["runtime"] == "toy CPU"


def test_a_float_file_counts_no_integers(network: Network) -> None:
    made = exported(network, quant_target=None, overflow=None)
    assert "int8_layers" not in made.metrics()
    assert set(made.tags()) == {"runtime", "precision"}
    silent = exported(network, coverage=Coverage(runtime="toy", nodes=None))
    assert "layers" not in silent.metrics()
    column = made.variant("dense")
    assert (column.name, column.latency_p50_ms, column.rounds_ms) == ("dense", 2.0, (2.0, 2.0))
    assert column.clip == network.card.protocol.text


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What is registered, tagged and given aliases, in order, and whether the lock is held."""
    made = SimpleNamespace(events=[], tags={}, locked=False)

    def register(kind: str) -> Any:
        def do(_: Any, *, name: str, tags: Any, **words: Any) -> Version:
            made.events.append((kind, name))
            made.tags[kind] = tags
            made.words = words
            return Version(name=name, number=3, model_id=None, created_ms=0, tags=tags)

        return do

    @contextlib.contextmanager
    def lock(name: str) -> Iterator[None]:
        made.locked = True
        yield
        made.locked = False

    def note(kind: str) -> Any:
        def do(version: Version, *more: Any) -> None:
            made.events.append((kind, version.uri, *more, made.locked))

        return do

    monkeypatch.setattr(module, "load_graph", lambda path: "graph")
    monkeypatch.setattr(module, "register_onnx", register("onnx"))
    monkeypatch.setattr(module, "register_video", register("video"))
    monkeypatch.setattr(module, "describe_version", lambda version, text: None)
    monkeypatch.setattr(module, "promotion_lock", lock)
    monkeypatch.setattr(module, "tag_version", note("tag"))
    monkeypatch.setattr(module, "set_alias", note("alias"))
    return made


def checkpoint(**changes: Any) -> Version:
    values: dict[str, Any] = {"name": "vcc-net", "number": 1, "model_id": None, "created_ms": 0}
    return Version(**values, tags={}, **changes)


def test_all_forms_share_an_id_and_aliases_move_last_under_the_lock(
    registry: SimpleNamespace, network: Network
) -> None:
    version = register_exported(
        exported(network),
        checkpoint=checkpoint(),
        tags={"run_id": "r"},
        serving=ServingOptions(max_videos=3),
        aliases=["baseline"],
    )
    name = f"vcc-{network.card.arch}-{network.card.dataset}"
    assert version.name == f"{name}-onnx"
    assert registry.events[:2] == [("onnx", f"{name}-onnx"), ("video", f"{name}-video")]
    export_id = registry.tags["onnx"]["export_id"]
    assert registry.tags["video"]["export_id"] == export_id
    assert registry.tags["onnx"]["checkpoint"] == "models:/vcc-net/1"
    assert registry.tags["onnx"]["run_id"] == "r"
    assert registry.words["model_config"]["max_videos"] == 3
    assert registry.events[2:] == [
        ("tag", "models:/vcc-net/1", {"export_id": export_id}, True),
        ("alias", f"models:/{name}-onnx/3", "baseline", True),
        ("alias", f"models:/{name}-video/3", "baseline", True),
    ]


def test_a_file_without_a_registered_checkpoint_names_none(
    registry: SimpleNamespace, network: Network
) -> None:
    register_exported(exported(network), checkpoint=None, tags={}, serving=ServingOptions())
    assert "checkpoint" not in registry.tags["onnx"]
    assert len(registry.events) == 2


@pytest.mark.parametrize("there", [True, False])
def test_a_parent_is_registered_where_it_has_no_file_yet(
    registry: SimpleNamespace, network: Network, run: Any, monkeypatch: pytest.MonkeyPatch,
    *, there: bool,
) -> None:  # fmt: skip
    parent = checkpoint(aliases=("baseline", "champion"))
    monkeypatch.setattr(module, "get_version", lambda uri: parent)
    monkeypatch.setattr(
        module,
        "versions_together",
        lambda version: {"": version, **({"-onnx": 1} if there else {})},
    )
    register_parent("models:/vcc-net/1", exported(network), serving=ServingOptions(), run=run)
    assert bool(registry.events) != there
    if not there:
        # `champion` is promote's to give.
        aliases = {event[2] for event in registry.events if event[0] == "alias"}
        assert aliases == {"baseline"}
