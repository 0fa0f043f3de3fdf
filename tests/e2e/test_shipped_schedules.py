"""Every shipped schedule runs through the Lightning driver on the built-in videos, as it is."""

from __future__ import annotations

import csv
import io
import math
from typing import Any, cast

import pytest
import torch
from metric_names import is_known
from shipped import FAMILIES, shipped_schedules
from tiny_compression import Recorded, tiny_baseline, tiny_dataset

from vcc.compression import last_epoch, load_schedule
from vcc.compression.schedule.shipped import SCHEDULES
from vcc.config.compression import CompressionOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ModelError
from vcc.models.summary import count_parameters
from vcc.pipeline.card import Network
from vcc.pipeline.compress.recipe import recipe_for
from vcc.pipeline.compress.step import compress_step

# A chain of all, and what is not in it, in the default tests; the other pairs are slow.
DEFAULT = {
    ("resnet", "resnet_filters_agp_thin_qat_int8.yaml"),
}
# Half of a C3D's 16 frames are fewer than its pools need.
IMPOSSIBLE = ("c3d", "clips_half.yaml")
PAIRS = [
    (family, path.name)
    for family in FAMILIES
    for path in shipped_schedules(family)
    if (family, path.name) != IMPOSSIBLE
]
CASES = [pytest.param(*pair, marks=() if pair in DEFAULT else pytest.mark.slow) for pair in PAIRS]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    return tiny_dataset(tmp_path_factory.mktemp("data"))


def compress(dataset: PreparedDataset, family: str, schedule: str) -> tuple[Network, Recorded, int]:
    """Return the compressed network, what was recorded, and the dense network's parameters."""
    baseline = tiny_baseline(dataset, family)
    dense = count_parameters(baseline.model)
    recipe = recipe_for(
        baseline,
        CompressionOptions(schedule=SCHEDULES / schedule),
        n_epochs=None,
        learning_rate=None,
        parent=None,
    )
    run = Recorded()
    return compress_step(baseline, dataset, recipe, run=cast(Any, run)), run, dense


@pytest.mark.parametrize(("family", "name"), CASES)
def test_it_runs_end_to_end(dataset: PreparedDataset, family: str, name: str) -> None:
    network, run, dense = compress(dataset, family, name)
    schedule = load_schedule(SCHEDULES / name)
    n_epochs = last_epoch(schedule)

    clip = torch.zeros(1, *network.card.clip_shape)
    assert bool(network.classifier().eval()(clip).isfinite().all())
    assert sorted(run.metrics.get("train_loss", {})) == list(range(n_epochs))
    assert all(math.isfinite(value) for value in run.metrics.get("dev_loss", {}).values())
    _check_figures(run, n_epochs)
    _check_artifacts(run, name)
    sections = schedule.as_mapping()
    if "extensions" in sections:
        assert count_parameters(network.model) < 0.9 * dense
        assert set(run.metrics["params"]) == {phase["start"] for phase in _seams(run)}
    elif "pruners" in sections:
        assert run.metrics["sparsity"][n_epochs] > 0.3
        # the ramp is logged too
        assert run.metrics["sparsity"][0] < run.metrics["sparsity"][n_epochs]
    if "distillers" in sections:
        assert len(run.metrics["loss_Distill Loss"]) == n_epochs
    if "quantizers" in sections:
        assert {row["Weight bits"] for row in _layers(run)} & {"4", "7", "8"}


def _check_figures(run: Recorded, n_epochs: int) -> None:
    assert not {name for name in run.metrics if not is_known(name)}
    for name in ("sparsity", "filter_sparsity", "layer_sparsity.conv1"):
        if name in run.metrics:
            assert sorted(run.metrics[name]) == list(range(n_epochs + 1))
    for name in ("active_policies", "learning_rate"):
        assert sorted(run.metrics.get(name, {})) == list(range(n_epochs))
    assert all(value >= 1 for value in run.metrics.get("active_policies", {}).values())


def _check_artifacts(run: Recorded, name: str) -> None:
    assert (name, "schedule") in run.files
    assert "policies" in run.texts["schedule/effective.yaml"]
    assert run.dicts["phases.json"]["phases"]
    rows = _layers(run)
    assert {"Name", "Sparsity", "Filter sparsity", "Parameters before", "Weight bits"} <= set(
        rows[0]
    )


def _layers(run: Recorded) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(run.texts["layers.csv"])))


def _seams(run: Recorded) -> list[dict[str, Any]]:
    return [phase for phase in run.dicts["phases.json"]["phases"] if phase["actions"]]


def test_c3d_refuses_half_its_frames(dataset: PreparedDataset) -> None:
    with pytest.raises(ModelError, match="at least 9 frames"):
        compress(dataset, *IMPOSSIBLE)


def test_every_schedule_is_tried() -> None:
    assert set(PAIRS) >= DEFAULT
    assert {name for _, name in PAIRS} == {path.name for path in SCHEDULES.glob("*.yaml")}
