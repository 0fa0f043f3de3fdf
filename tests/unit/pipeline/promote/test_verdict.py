"""A candidate is held to the gate beside its dense parent and the champion; misses are named."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vcc.config.entrypoints import PromoteEntry
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import GateError, TrackingError
from vcc.export.benchmark import SpeedUp
from vcc.pipeline.promote import verdict as module
from vcc.pipeline.promote.verdict import ARTIFACT, judge, tag_all
from vcc.tracking.gate import GateFigures, PromotionGate, load_gate
from vcc.tracking.registry import Version


def version(number: int, **tags: str) -> Version:
    return Version(name="vcc-net", number=number, model_id=None, created_ms=0, tags=tags)


DENSE = version(1, role="dense")
SMALL = version(2, role="compressed", parent=DENSE.uri)


def figures(dataset: PreparedDataset, **changes: Any) -> GateFigures:
    values: dict[str, Any] = {
        "version": SMALL.uri, "video_top1": 0.9, "clip_top1": 0.8, "test_videos": 1000,
        "p50_ms": 2.0, "p95_ms": 3.0, "runtime": "toy CPU", "size_bytes": 1_000_000,
        "dataset": dataset.name, "split": dataset.split, "data_digest": dataset.digest,
        "protocol": "p", "clip": "4x16x16", "clips_per_video": 2.0, "video_top1_low": 0.85,
        "largest_class": 0.5, "answers": (500, 500),
    }  # fmt: skip
    return GateFigures(**{**values, **changes})


@pytest.fixture
def world(dataset: PreparedDataset, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What is measured, of which versions, and which tags they get."""
    made = SimpleNamespace(
        figures={"candidate": figures(dataset), "dense": figures(dataset, p50_ms=8.0)},
        gained=None,
        parity=None,
        tags={},
        asked=[],
    )

    def measure(versions: Any, *_: Any, **__: Any) -> Any:
        made.versions = versions
        return made.figures, made.parity, made.gained

    def find(root: Path, name: str | None) -> PreparedDataset:
        made.asked.append(name)
        return dataset

    monkeypatch.setattr(module, "find_prepared", find)
    monkeypatch.setattr(module, "measure_versions", measure)
    known = {each.uri: each for each in (DENSE, SMALL)}
    monkeypatch.setattr(module, "get_version", known.__getitem__)
    monkeypatch.setattr(module, "versions_together", lambda v: {"": v, "-onnx": v})
    monkeypatch.setattr(module, "tag_version", lambda v, tags: made.tags.update(tags))
    return made


@pytest.fixture(scope="module")
def gate() -> PromotionGate:
    return load_gate(None)


def test_figures_of_all_go_into_the_record(
    world: SimpleNamespace, gate: PromotionGate, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    world.gained = SpeedUp(ratio=4.0, low=3.9, high=4.1, rounds=9)
    found = judge(PromoteEntry(), gate, SMALL, None, run=run)
    assert world.versions == {"candidate": SMALL, "dense": DENSE, "champion": None}
    assert found["misses"] == []
    assert found["figures"]["dense"]["p50_ms"] == 8.0
    assert found["speedup"]["ratio"] == 4.0
    assert found["gate"]["digest"] == gate.digest
    assert run.metrics["candidate.video_top1"] == [0.9]
    assert f"{SMALL.uri} passes the gate" in run.tags["description"]
    assert run.texts["gate.md"].count("|") > 10
    assert ARTIFACT not in run.dicts, "the record is the promotion's, once it has moved"
    assert "2 of 2" in capsys.readouterr().out
    assert not world.tags


def test_every_miss_is_named_tagged_and_kept(
    world: SimpleNamespace, gate: PromotionGate, run: Any, dataset: PreparedDataset
) -> None:
    world.parity = "parity: the file differs"
    world.figures["candidate"] = figures(dataset, video_top1=0.2, video_top1_low=0.1)
    with pytest.raises(GateError, match=f"^{SMALL.uri} misses the gate: .*: the champion stays$"):
        judge(PromoteEntry(), gate, SMALL, None, run=run)
    assert world.tags["gate"] == "failed"
    assert "parity: the file differs" in world.tags["gate_misses"]
    assert world.tags["gate_run_id"] == run.run_id
    assert len(run.dicts[ARTIFACT]["misses"]) >= 2
    assert run.dicts[ARTIFACT]["candidate"] == SMALL.uri


def test_data_of_the_same_name_must_be_the_same(
    world: SimpleNamespace, gate: PromotionGate, run: Any, dataset: PreparedDataset
) -> None:
    world.figures["candidate"] = figures(dataset, data_digest="0" * 64)
    with pytest.raises(GateError, match="are not those it was trained on .*may be training videos"):
        judge(PromoteEntry(), gate, SMALL, None, run=run)


def test_a_gain_inside_the_spread_is_a_warning(
    world: SimpleNamespace, gate: PromotionGate, run: Any, caplog: pytest.LogCaptureFixture
) -> None:
    world.gained = SpeedUp(ratio=1.1, low=0.9, high=1.3, rounds=9)
    judge(PromoteEntry(), gate, SMALL, None, run=run)
    assert "is inside the spread of 9 rounds: raise latency_runs" in caplog.text


def test_a_dense_network_has_nothing_beside_it_but_the_champion(
    world: SimpleNamespace, gate: PromotionGate, run: Any, dataset: PreparedDataset
) -> None:
    world.figures = {"candidate": figures(dataset)}
    judge(PromoteEntry(dataset="mine"), gate, DENSE, SMALL, run=run)
    assert world.versions == {"candidate": DENSE, "dense": None, "champion": SMALL}
    assert world.asked == ["mine"]


@pytest.mark.parametrize("parent", [None, "models:/vcc-net/2"])
def test_a_network_of_unknown_descent_cannot_be_compared(
    world: SimpleNamespace, gate: PromotionGate, run: Any, parent: str | None
) -> None:
    tags = {"parent": parent} if parent else {}
    with pytest.raises(TrackingError, match="models:/vcc-net/2: names no dense version that it"):
        judge(PromoteEntry(), gate, version(2, role="compressed", **tags), None, run=run)


def test_tags_go_to_every_form(world: SimpleNamespace) -> None:
    tag_all(SMALL, {"a": "b"})
    assert world.tags == {"a": "b"}
