"""The same network, target and way to judge are the same search; auto is a runtime with int8."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from vcc.config.entrypoints import SearchEntry
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ModelError
from vcc.pipeline.card import Network
from vcc.pipeline.compress.latency import quantized_on_noise
from vcc.pipeline.search.prices import quantizing_schedule
from vcc.pipeline.search.step import prepare_workshop, runtime_of, search_name
from vcc.pipeline.source import SourceNetwork


@pytest.fixture
def source(network: Network, dataset: PreparedDataset) -> SourceNetwork:
    return SourceNetwork(network=network, dataset=dataset, version=None)


def test_more_trials_are_the_same_search_and_another_target_is_not(
    source: SourceNetwork, options: SearchEntry
) -> None:
    name = search_name(source, options, "openvino")
    assert name.startswith(f"{source.network.card.arch}-{source.dataset.name}-target_macs-0.5-")
    more = dataclasses.replace(options, trials=99, finalists=5, budget_minutes=7.0)
    assert search_name(source, more, "openvino") == name
    others = [
        search_name(source, dataclasses.replace(options, target_macs=0.4), "openvino"),
        search_name(source, dataclasses.replace(options, trial_videos=3), "openvino"),
        search_name(source, options, "cpu"),
    ]
    with torch.no_grad():
        source.network.model.get_parameter("fc.bias").add_(1)
    others.append(search_name(source, options, "openvino"))
    assert len({name, *others}) == 5


def test_a_runtime_that_is_named_is_taken() -> None:
    assert runtime_of("cpu") == "cpu"
    assert runtime_of("auto") in ("cuda", "openvino", "cpu")


def test_a_quantized_network_is_refused(
    source: SourceNetwork, options: SearchEntry, tmp_path: Path
) -> None:
    shape = source.network.card.clip_shape
    model = quantized_on_noise(source.network.model, shape, quantizing_schedule("cpu"))
    made = Network(model=model, card=source.network.card)
    quantized = dataclasses.replace(source, network=made)
    with pytest.raises(ModelError, match="is quantized: a search starts from a network in float"):
        prepare_workshop(quantized, options, provider="cpu", folder=tmp_path)
