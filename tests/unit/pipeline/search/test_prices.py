"""Prices follow from layers' times and sizes by what two whole networks were measured at."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from torch import nn

import vcc.pipeline.search.prices as prices
from vcc.export.layer_latency import LayerShape
from vcc.pipeline.card import Network
from vcc.pipeline.search.knobs.precision import ALL_FLOAT, ALL_INT8, Precision
from vcc.pipeline.search.prices import Measured, Prices, _read, quantizing_schedule, weights_mb
from vcc.pipeline.search.space import SearchCandidate
from vcc.pipeline.search.structure import CandidateBuilder


class Table:
    """A millisecond per million of products, on a machine of a name."""

    def __init__(self, name: str = "here") -> None:
        self.machine = {"cpu": name}

    def sum_of(self, shapes: list[LayerShape], *, int8: bool) -> float:
        return sum(shape.macs for shape in shapes) / 1e6 / (2 if int8 else 1)


def made(builder: CandidateBuilder, kept: Path, machine: str = "here") -> Prices:
    table: Any = Table(machine)
    return Prices(
        builder.dense, builder, table=table, provider="cpu", quant_target="cpu", kept=kept
    )


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """A network takes 3 ms and twice its layers' times; returns the precisions that were timed."""
    found: list[bool] = []

    def measure(self: Prices, network: Network, precision: Precision) -> Measured:
        found.append(precision.int8)
        size = 0.1 + 1.5 * weights_mb(network.model, precision)
        return Measured(latency_ms=3 + 2 * self._layers_ms(network, precision), size_mb=size)

    monkeypatch.setattr(Prices, "measure", measure)
    monkeypatch.setattr(prices, "eager_latency_ms", lambda network: 99.0)
    return found


def test_predictions_meet_what_was_measured(
    builder: CandidateBuilder, measured: list[bool], tmp_path: Path
) -> None:
    found = made(builder, tmp_path / "prices.json")
    shares = {group.name: 0.5 for group in builder.space.groups}
    candidate: SearchCandidate = builder.space.of(shares, 1.0, True)
    network = builder.build(candidate)
    for precision in (ALL_FLOAT, ALL_INT8, Precision(True, ("conv1", "layer4.0.conv2"))):
        price = found.of(network, precision)
        truth = found.measure(network, precision)
        assert price.latency_ms == pytest.approx(truth.latency_ms)
        assert price.size_mb == pytest.approx(truth.size_mb)
    assert 0.1 < price.macs < 0.5
    assert found.eager_ms == 99.0
    assert (found.of_dense().latency_ms, found.of_dense().macs) == (found.dense_ms, 1.0)


def test_networks_are_timed_once_on_a_machine(
    builder: CandidateBuilder, measured: list[bool], tmp_path: Path
) -> None:
    kept = tmp_path / "prices.json"
    first = made(builder, kept)
    assert len(measured) == 4
    assert made(builder, kept).dense_ms == first.dense_ms
    assert len(measured) == 4
    made(builder, kept, machine="another")
    assert len(measured) == 8
    assert json.loads(kept.read_text())["machine"] == {"cpu": "another"}


@pytest.mark.parametrize("text", ["[]", "{", '{"machine": {"cpu": "this"}}', "[" * 9000])
def test_a_file_of_something_else_is_measured_anew(tmp_path: Path, text: str) -> None:
    kept = tmp_path / "prices.json"
    kept.write_text(text)
    assert _read(kept, {"cpu": "this"}) is None
    whole = {"machine": {"cpu": "this"}, "eager_ms": 1.0, "dense_ms": 2.0, "rates": {}}
    kept.write_text(json.dumps(whole))
    assert _read(kept, {"cpu": "this"}) == whole
    kept.write_text(json.dumps({**whole, "eager_ms": math.nan}))
    assert _read(kept, {"cpu": "this"}) is None


def test_integers_take_a_byte() -> None:
    layer = nn.Linear(1000, 10)
    assert weights_mb(layer, ALL_FLOAT) == pytest.approx(0.04004)
    assert weights_mb(layer, ALL_INT8) == pytest.approx(0.01004)


def test_candidates_are_quantized_for_the_runtime() -> None:
    (quantizer,) = quantizing_schedule("tensorrt").in_section("quantizers")
    assert quantizer.args["quant_target"] == "tensorrt"
    assert "overrides" not in quantizer.args
    (mixed,) = quantizing_schedule("cpu", Precision(True, ("conv1",))).in_section("quantizers")
    assert mixed.args["overrides"]


def test_times_that_waver_are_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    prices = object.__new__(Prices)
    prices._warned = False
    steady = Measured(latency_ms=2.0, size_mb=1.0, spread_ms=(1.9, 2.4))
    prices._warn_of_load(steady)
    assert not caplog.text
    busy = Measured(latency_ms=3.0, size_mb=1.0, spread_ms=(2.0, 9.0))
    prices._warn_of_load(busy)
    prices._warn_of_load(busy)
    assert caplog.text.count("one network took 2 to 9 ms here") == 1
    assert (steady.least_ms, Measured(latency_ms=2.0, size_mb=1.0).least_ms) == (1.9, 2.0)
