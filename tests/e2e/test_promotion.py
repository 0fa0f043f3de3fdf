"""Promote through the gate and back again, on registered files that are really run."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from served_network import Registered

from vcc.config.entrypoints import PromoteEntry
from vcc.errors import GateError
from vcc.pipeline.commands.promote import run_promote
from vcc.tracking.registry import ONNX_SUFFIX, VIDEO_SUFFIX
from vcc.tracking.versions_together import base_name, version_by

# Its checkpoint is not registered, so the gate does not ask for parity with it.
OWN = "vcc-promoted-toy"
FORMS = (ONNX_SUFFIX, VIDEO_SUFFIX)
_QUICK = "parity: false\nabove_largest_class: false\nlatency_runs: 5\nlatency_warmup: 0\n"


@pytest.fixture(scope="module")
def own(registered: Registered) -> Iterator[Registered]:
    """The network under a name of this module's own, whose aliases may move, registered twice."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(registered.tracking_uri)
    client = mlflow.MlflowClient()
    base = base_name(registered.graph.name)
    for suffix in FORMS:
        source = client.get_model_version(base + suffix, "1")
        for export_id, alias in (("first", "champion"), ("again", "challenger")):
            copy = client.copy_model_version(f"models:/{base}{suffix}/1", OWN + suffix)
            for key, value in {**source.tags, "export_id": export_id}.items():
                client.set_model_version_tag(OWN + suffix, copy.version, key, value)
            client.set_registered_model_alias(OWN + suffix, alias, copy.version)
    graph, video = (version_by(OWN + suffix, "champion") for suffix in FORMS)
    yield dataclasses.replace(registered, graph=graph, video=video)
    for suffix in FORMS:
        client.delete_registered_model(OWN + suffix)
    mlflow.set_tracking_uri(before)


@pytest.fixture
def options(own: Registered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PromoteEntry:
    monkeypatch.setitem(os.environ, "MLFLOW_TRACKING_URI", f"sqlite:///{own.folder / 'mlflow.db'}")
    gate = tmp_path / "gate.yaml"
    gate.write_text(f"{_QUICK}p95_ms: 60000\n")
    return PromoteEntry(
        name=base_name(own.graph.name),
        gate=gate,
        reason="as good",
        root_path=own.dataset.root.parent,
        dataset=own.dataset.root.name,
        n_threads=0,
    )


def aliases(own: Registered) -> dict[str, dict[str, int]]:
    client = mlflow.MlflowClient()
    base = base_name(own.graph.name)
    return {
        suffix: {
            alias: int(number)
            for alias, number in client.get_registered_model(base + suffix).aliases.items()
            if alias in ("champion", "previous")
        }
        for suffix in FORMS
    }


def newest_record() -> dict[str, object]:
    client = mlflow.MlflowClient()
    experiments = [each.experiment_id for each in client.search_experiments()]
    run = client.search_runs(experiments, "tags.step = 'promote'", max_results=1)[0]
    record: dict[str, object] = mlflow.artifacts.load_dict(
        f"{run.info.artifact_uri}/promotion.json"
    )
    return record


@pytest.mark.slow
def test_a_missed_mark_is_named_and_moves_nothing(own: Registered, options: PromoteEntry) -> None:
    before = aliases(own)
    assert options.gate is not None
    options.gate.write_text(f"{_QUICK}p95_ms: 0.000001\nsize_mb: 0.000001\ntest_videos: 9999\n")
    with pytest.raises(GateError, match=r"test videos.*p95.*large.*the champion stays"):
        run_promote(options)
    assert aliases(own) == before
    assert len(newest_record()["misses"]) == 3  # type: ignore[arg-type]


def test_promote_and_rollback_move_every_form(own: Registered, options: PromoteEntry) -> None:
    run_promote(options)
    assert aliases(own) == {form: {"champion": 2, "previous": 1} for form in FORMS}
    record = newest_record()
    assert (record["why"], record["misses"]) == ("as good", [])
    tags = mlflow.MlflowClient().get_model_version(own.video.name, "2").tags
    assert tags["promoted_instead_of"].endswith("/1")
    assert float(tags["gate.candidate.p95_ms"]) > 0
    assert json.dumps(record["figures"])

    run_promote(PromoteEntry(name=options.name, rollback=True, reason="too bold"))
    assert aliases(own) == {form: {"champion": 1, "previous": 2} for form in FORMS}
    assert newest_record()["why"] == "too bold"
    newest = mlflow.search_runs(search_all_experiments=True, output_format="list")[0]
    note = newest.data.tags["mlflow.note.content"]
    assert note.startswith(f"Gave champion back to models:/{own.video.name}/1 from ")
    assert note.endswith(": too bold.")
