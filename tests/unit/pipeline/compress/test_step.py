"""The compress step as a whole: what it does once for all of its parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from torch import Tensor, nn

from vcc.compression import binding
from vcc.compression.channels import trace_cache
from vcc.compression.channels.trace import ChannelGroup, trace_channels
from vcc.config.compression import CompressionOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.models.summary import count_macs, count_parameters
from vcc.pipeline.card import Network
from vcc.pipeline.compress.recipe import recipe_for
from vcc.pipeline.compress.step import compress_step

FILTERS = {
    "class": "L1RankedStructureParameterPruner",
    "group_type": "Filters",
    "group_dependency": "Coupled",
    "desired_sparsity": 0.5,
    "weights": ["type:Conv3d"],
}
SCHEDULE = {
    "pruners": {"filters": FILTERS},
    "extensions": {"thinner": {"class": "FilterRemover"}},
    "policies": [
        {"pruner": {"instance_name": "filters"}, "epochs": [0]},
        {"extension": {"instance_name": "thinner"}, "epochs": [1]},
    ],
}


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Parameters of each network whose channels were traced, in the order of the traces."""
    found: list[int] = []

    def trace(model: nn.Module, example_input: Tensor) -> tuple[ChannelGroup, ...]:
        found.append(count_parameters(model))
        return trace_channels(model, example_input)

    for module in (trace_cache, binding):
        monkeypatch.setattr(module, "trace_channels", trace)
    return found


@pytest.mark.parametrize(
    "targets", [pytest.param({}, marks=pytest.mark.slow), {"target_macs": 0.7}]
)
def test_channels_are_traced_once_as_long_as_the_structure_stays(
    targets: dict[str, Any],
    sizes: list[int],
    dataset: PreparedDataset,
    network: Network,
    run: Any,
    tmp_path: Path,
) -> None:
    dense, macs = count_parameters(network.model), count_macs(network.model)
    file = tmp_path / "schedule.yaml"
    file.write_text(yaml.safe_dump(SCHEDULE))
    options = CompressionOptions(schedule=file, **targets)
    recipe = recipe_for(network, options, n_epochs=2, learning_rate=None, parent=None)
    made = compress_step(network, dataset, recipe, run=run)
    assert count_macs(made.model) < targets.get("target_macs", 1) * macs
    assert sizes.count(dense) == 1
