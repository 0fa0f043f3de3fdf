"""What candidates cost: predicted by layers' times and sizes, measured where that counts."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from vcc.compression.schedule.edits import act, define
from vcc.compression.schedule.epochs import epoch_list
from vcc.compression.schedule.schedule import Schedule
from vcc.data.machine import usable_cores
from vcc.export.benchmark import measure_latency
from vcc.export.runtimes.eager import EagerSession
from vcc.files import write_whole
from vcc.models.summary import count_macs
from vcc.pipeline.card import Network
from vcc.pipeline.compress.latency import export_and_time, quantized_on_noise
from vcc.pipeline.layer_times import LayerTable, Line, layer_shapes
from vcc.pipeline.search.knobs.precision import ALL_FLOAT, ALL_INT8, Precision
from vcc.pipeline.search.space import FLOAT, INT8, MIXED
from vcc.pipeline.search.structure import CandidateBuilder
from vcc.pipeline.search.target import Price

_logger = logging.getLogger(__name__)

_EAGER_RUNS = 15
_FLOAT_BYTES = 4
# Rounds of one network on a quiet machine differ by less.
_STEADY = 1.8


@dataclass(frozen=True, kw_only=True)
class Rates:
    """How latency and size of one precision follow from sums over layers.

    Attributes:
        latency: of the sum of layers' milliseconds.
        size: of the megabytes of weights.
    """

    latency: Line
    size: Line


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A network that was exported and timed.

    Attributes:
        latency_ms: milliseconds of a clip, the median.
        size_mb: megabytes of its file.
        spread_ms: in the quickest and the slowest round; None: not known.
    """

    latency_ms: float
    size_mb: float
    spread_ms: tuple[float, float] | None = None

    @property
    def least_ms(self) -> float:
        """Milliseconds of the quickest round, as layers are timed."""
        return self.spread_ms[0] if self.spread_ms else self.latency_ms


class Prices:
    """Prices of the candidates of one dense network on one runtime.

    Args:
        dense: the network.
        builder: of its candidates.
        table: times of layers on the runtime.
        provider: the runtime.
        quant_target: whose integers it runs; None: none.
        kept: file of what was measured of whole networks; a search that goes on reads it.
    """

    def __init__(  # noqa: PLR0913 - what a price depends on
        self,
        dense: Network,
        builder: CandidateBuilder,
        *,
        table: LayerTable,
        provider: str,
        quant_target: str | None,
        kept: Path,
    ) -> None:
        self._dense, self._builder, self._table = dense, builder, table
        self._provider, self._kept, self._quant_target = provider, kept, quant_target
        self._macs, self._warned = count_macs(dense.model), False
        found = _read(kept, table.machine) or self._calibrate()
        self.eager_ms: float = found["eager_ms"]
        self.dense_ms: float = found["dense_ms"]
        self._rates = {
            name: Rates(latency=Line(**rate["latency"]), size=Line(**rate["size"]))
            for name, rate in found["rates"].items()
        }

    def of(self, network: Network, precision: Precision) -> Price:
        """Return what a float network will cost in a precision."""
        return Price(
            latency_ms=self._between(
                precision,
                {name: rates.latency for name, rates in self._rates.items()},
                lambda given: self._layers_ms(network, given),
            ),
            macs=count_macs(network.model) / self._macs,
            size_mb=self._between(
                precision,
                {name: rates.size for name, rates in self._rates.items()},
                lambda given: weights_mb(network.model, given),
            ),
        )

    def of_dense(self) -> Price:
        """Return what the dense network costs in float: its time is the measured one."""
        return replace(self.of(self._dense, ALL_FLOAT), latency_ms=self.dense_ms)

    def quantizing(self, precision: Precision) -> Schedule:
        """Return the schedule that quantizes a network to a precision without training."""
        return quantizing_schedule(self._quant_target, precision)

    def measure(self, network: Network, precision: Precision) -> Measured:
        """Export a float network, quantized on noise where its precision says so, and time it.

        Raises:
            ExportError: it cannot be exported or run there.
        """
        model = network.model
        if precision.int8:
            schedule = self.quantizing(precision)
            model = quantized_on_noise(model, network.card.clip_shape, schedule)
        exported = Network(model=model, card=network.card)
        latency, size = export_and_time(exported, self._provider)
        return Measured(
            latency_ms=latency.p50_ms,
            size_mb=size / 1e6,
            spread_ms=(min(latency.rounds_ms), max(latency.rounds_ms)),
        )

    def _warn_of_load(self, measured: Measured) -> None:
        low, high = measured.spread_ms or (1.0, 1.0)
        if high > _STEADY * low and not self._warned:
            self._warned = True
            _logger.warning(
                "one network took %.3g to %.3g ms here: something else uses this machine, so "
                "predicted latencies may be far off; the finalists' are measured in turns",
                low,
                high,
            )

    def _layers_ms(self, network: Network, precision: Precision) -> float:
        shapes = layer_shapes(network.model, network.card.clip_shape)
        return sum(
            self._table.sum_of(
                [shape for name, shape in shapes if precision.is_int8(name) == int8], int8=int8
            )
            for int8 in (False, True)
        )

    def _between(
        self,
        precision: Precision,
        lines: Mapping[str, Line],
        total: Callable[[Precision], float],
    ) -> float:
        """Return a figure of a network by the lines of the precisions and its layers' total.

        Of a mixed network it lies between the two precisions, as its total lies between theirs.
        """
        if not precision.is_mixed:
            return lines[INT8 if precision.int8 else FLOAT](total(precision))
        low, high = total(ALL_INT8), total(ALL_FLOAT)
        share = (total(precision) - low) / (high - low) if high != low else 0.0
        small, large = lines[INT8](low), lines[FLOAT](high)
        return small + share * (large - small)

    def _calibrate(self) -> dict[str, Any]:
        _logger.info("timing the dense and the smallest network on %s", self._provider)
        rates, dense_ms = {}, 0.0
        for name in self._builder.space.precisions:
            if name == MIXED:
                continue
            precision = ALL_INT8 if name == INT8 else ALL_FLOAT
            smallest = self._builder.build(self._builder.space.smallest(int8=precision.int8))
            small, large = (self._point(each, precision) for each in (smallest, self._dense))
            rates[name] = {
                "latency": asdict(Line.through(small[0], large[0])),
                "size": asdict(Line.through(small[1], large[1])),
            }
            dense_ms = dense_ms if precision.int8 else large[0][1]
        found = {
            "machine": self._table.machine,
            "eager_ms": eager_latency_ms(self._dense),
            "dense_ms": dense_ms,
            "rates": rates,
        }
        self._kept.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self._kept, json.dumps(found, indent=1))
        return found

    def _point(
        self, network: Network, precision: Precision
    ) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return (layers' ms, ms) and (weights' MB, MB) of a network, the latter measured."""
        measured = self.measure(network, precision)
        self._warn_of_load(measured)
        times = (self._layers_ms(network, precision), measured.least_ms)
        return times, (weights_mb(network.model, precision), measured.size_mb)


def _layers(model: nn.Module) -> Iterator[tuple[str, nn.Conv3d | nn.Linear]]:
    for name, part in model.named_modules():
        if isinstance(part, nn.Conv3d | nn.Linear):
            yield name, part


def weights_mb(model: nn.Module, precision: Precision) -> float:
    """Return the megabytes of a network's tensors: a byte for a weight of a layer in int8."""
    small = sum(part.weight.numel() for name, part in _layers(model) if precision.is_int8(name))
    tensors = [*model.parameters(), *model.buffers()]
    large = sum(tensor.numel() for tensor in tensors) - small
    return (small + _FLOAT_BYTES * large) / 1e6


def eager_latency_ms(network: Network) -> float:
    """Return the median time of a clip in PyTorch in float32, ms."""
    session = EagerSession(network.classifier(), threads=usable_cores())
    times = measure_latency(
        {"eager": session},
        {"eager": network.card.clip_shape},
        batch=1,
        runs=_EAGER_RUNS,
        warmup=2,
    )
    return times["eager"].p50_ms


def quantizing_schedule(quant_target: str | None, precision: Precision = ALL_INT8) -> Schedule:
    """Return the schedule that quantizes a candidate without training, for a first judgement."""
    quantizer = define(
        "quantizers",
        "int8",
        "PostTrainLinearQuantizer",
        bits_activations=8,
        bits_parameters=8,
        quant_target=quant_target or "cpu",
        overflow="auto",
        **precision.overrides(),
    )
    return Schedule((quantizer,), (act("quantizer", "int8", epoch_list([0])),))


def _read(path: Path, machine: Mapping[str, str]) -> dict[str, Any] | None:
    """Return what was measured on a machine like this one, None where nothing was."""
    try:
        found: Any = json.loads(path.read_text("utf-8"), parse_constant=_no_number)
    except (OSError, ValueError, RecursionError):
        return None
    wanted = {"machine", "eager_ms", "dense_ms", "rates"}
    if not isinstance(found, dict) or not wanted <= set(found) or found["machine"] != machine:
        return None
    return found


def _no_number(name: str) -> Any:
    msg = f"{name} is no price"
    raise ValueError(msg)
