"""The pipeline's evaluation: each network scored once, in a run of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from vcc.config.entrypoints import PipelineEntry
from vcc.pipeline.full import evaluated
from vcc.pipeline.full.evaluated import evaluate_networks


def network(role: str) -> Any:
    return SimpleNamespace(card=SimpleNamespace(role=role))


def test_the_dense_network_is_what_the_other_is_compared_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[str] = []
    steps: list[tuple[str, Any, Any, Any]] = []
    scored: list[str] = []

    @contextlib.contextmanager
    def child_run(name: str, options: Any) -> Iterator[str]:
        opened.append(name)
        yield name

    def score_test(made: Any, _: Any, **__: Any) -> str:
        scored.append(made.card.role)
        return f"scores of {made.card.role}"

    def evaluate_step(
        made: Any, _: Any, *, version: Any, score: Any, dense: Any, **__: Any
    ) -> None:
        steps.append((version, score(made), dense, dense and score(dense)))

    monkeypatch.setattr(evaluated, "child_run", child_run)
    monkeypatch.setattr(evaluated, "log_dataset", lambda *_, **__: None)
    monkeypatch.setattr(evaluated, "score_test", score_test)
    monkeypatch.setattr(evaluated, "evaluate_step", evaluate_step)
    networks = {role: network(role) for role in ("dense", "compressed")}
    versions: Any = {"dense": "v1", "compressed": "v2"}
    dataset: Any = object()
    scores = evaluate_networks(networks, versions, dataset, PipelineEntry())
    assert scores == {role: f"scores of {role}" for role in networks}
    assert opened == ["evaluate dense", "evaluate compressed"]
    # The dense network is not scored again to be compared with.
    assert scored == ["dense", "compressed"]
    assert steps == [
        ("v1", "scores of dense", None, None),
        ("v2", "scores of compressed", networks["dense"], "scores of dense"),
    ]
