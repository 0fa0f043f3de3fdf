"""Targets of a compression: what the network may cost, and the schedule that brings it there."""

from __future__ import annotations

import csv
import dataclasses
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vcc.compression.channels.trace_cache import TracedChannels
from vcc.compression.schedule.edits import directed_weights, with_sparsities
from vcc.compression.schedule.schedule import Schedule
from vcc.compression.thinning.targets import Sensitivity, ThinningTarget, meet_target
from vcc.config.compression import TargetOptions
from vcc.errors import ScheduleError, one_line
from vcc.export.benchmark import Latency
from vcc.models.summary import count_macs, count_parameters
from vcc.pipeline.card import Network
from vcc.pipeline.compress.latency import measure_exported, quantized_on_noise
from vcc.spreadsheet import plain_row
from vcc.tracking.runs import Run

_logger = logging.getLogger(__name__)

_NOTHING_TO_PRUNE = (
    "the targets are met without pruning (cheaper clips count): no filter is pruned; a lower "
    "target, or no target and the schedule's own shares, prunes"
)


def dense_figures(model: nn.Module) -> dict[str, int]:
    """Return what shares of a network's cost are shares of: its `macs` a clip and its `params`."""
    return {"macs": count_macs(model), "params": count_parameters(model)}


class Targets:
    """What a compressed network may cost, in shares of the dense network's cost or in milliseconds.

    Args:
        options: the targets; `given` says whether there are any.
        network: what is compressed, before anything but its clips was changed.
        dense: `dense_figures` of the dense network on its own clips; None where `network` is that.
        round_to: thinning leaves multiples of this many channels.
    """

    def __init__(
        self,
        options: TargetOptions,
        network: Network,
        *,
        dense: Mapping[str, int] | None = None,
        round_to: int,
    ) -> None:
        self._options, self._network, self._round_to = options, network, round_to
        self._dense = dense or dense_figures(network.model)

    @property
    def given(self) -> bool:
        """Whether there is a target."""
        return bool(self._shares() or self._options.target_latency_ms is not None)

    def direct(
        self, schedule: Schedule, run: Run, *, channels: TracedChannels | None = None
    ) -> Schedule:
        """Return the schedule with the sparsity of every layer that meets the targets.

        Without a target it is returned as it is.

        Args:
            schedule: what the file says.
            run: where the sparsities and the new schedule go.
            channels: the network's, if its owner has them; None traces them here.

        Raises:
            ScheduleError: the schedule prunes no filters, or no sparsities meet the targets.
        """
        if not self.given:
            return schedule
        options, model = self._options, self._network.model
        plan = meet_target(
            model,
            torch.zeros(1, *self._network.card.clip_shape),
            ThinningTarget(latency_ms=options.target_latency_ms, **self._shares()),
            latency=lambda network: self._measure(network, schedule).p50_ms,
            sensitivity=read_sensitivity(options.target_sensitivity),
            round_to=self._round_to,
            prunable=directed_weights(schedule, model),
            dense=self._dense,
            channels=channels,
        )
        if not plan.asked:
            _logger.warning("%s", _NOTHING_TO_PRUNE)
        directed = with_sparsities(schedule, plan.asked)
        run.log_text(plan.as_text() + "\n", "target.txt")
        run.log_text(directed.to_yaml(), "target_schedule.yaml")
        return dataclasses.replace(directed, source=f"{schedule.source} with targets")

    def check(self, network: Network, run: Run) -> None:
        """Hold the compressed network to the targets.

        Raises:
            ScheduleError: it costs more; nothing was registered yet.
        """
        if not self.given:
            return
        now = dense_figures(network.model)
        lines = []
        for name, share in self._shares().items():
            got = now[name] / self._dense[name]
            lines.append(f"{name}: {got:.4f} of the dense network's, target {share:g}")
            if got > share:
                raise ScheduleError(_missed(f"target_{name}: {share:g}", f"{got:.4f}"))
        wanted = self._options.target_latency_ms
        if wanted is not None:
            found = self._measure(network.model, None)
            lines.append(f"latency: {found.p50_ms:.2f} ms on {found.runtime}, target {wanted:g} ms")
            # Above it in nine rounds of ten, that is: one median wavers.
            if sorted(found.rounds_ms)[len(found.rounds_ms) // 10] > wanted:
                raise ScheduleError(
                    _missed(f"target_latency_ms: {wanted:g}", f"{found.p50_ms:.2f} ms")
                )
        for line in lines:
            _logger.info("%s", line)
        run.log_text("\n".join(lines) + "\n", "target_met.txt")

    def _shares(self) -> dict[str, float]:
        wanted = {"macs": self._options.target_macs, "params": self._options.target_params}
        return {name: share for name, share in wanted.items() if share is not None}

    def _measure(self, model: nn.Module, schedule: Schedule | None) -> Latency:
        """Time a network as `export` would run it, quantized first if the schedule will do that."""
        if schedule is not None:
            model = quantized_on_noise(model, self._network.card.clip_shape, schedule)
        network = dataclasses.replace(self._network, model=model)
        return measure_exported(network, self._options.target_provider)


def read_sensitivity(path: Path | None) -> Sensitivity:
    """Read what a sensitivity analysis found: weight to {sparsity: accuracy}.

    Args:
        path: a CSV file with columns parameter, sparsity and top1 (the curves), or with Name, Type
            and Sparsity (the proposal, taken as half of what a layer may lose); None: nothing.

    Raises:
        ScheduleError: it is unreadable or neither of these.
    """
    if path is None:
        return {}
    try:
        # Spreadsheets put a byte-order mark in front.
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [_whole_row(row) for row in csv.DictReader(file)]
    except (OSError, ValueError, csv.Error) as error:
        msg = f"target_sensitivity: {path}: cannot be read: {one_line(error)}"
        raise ScheduleError(msg) from error
    columns = set(rows[0]) if rows else set()
    try:
        if {"parameter", "sparsity", "top1"} <= columns:
            return _curves(rows)
        if {"Name", "Sparsity"} <= columns:
            return _proposals(rows)
    except (TypeError, ValueError) as error:
        msg = f"target_sensitivity: {path}: {error}"
        raise ScheduleError(msg) from error
    msg = (
        f"target_sensitivity: {path}: has the columns {', '.join(sorted(columns)) or 'none'}: "
        "expected parameter,sparsity,top1 or Name,Type,Sparsity, as `sensitivity` writes them"
    )
    raise ScheduleError(msg)


def _whole_row(row: Mapping[Any, Any]) -> dict[str, str]:
    # A row that is too long has its rest under None; in one that is too short None stands.
    if None in row or None in row.values():
        msg = f"a row has more or fewer cells than the header: {row!r:.80}"
        raise ValueError(msg)
    return plain_row(row)


def _figure(row: Mapping[str, str], column: str, *, at_most: float = sys.float_info.max) -> float:
    found = float(row[column])
    # The negation also catches what is not a number.
    if not 0 <= found <= at_most:
        msg = f"{column} is {row[column]!r}, where a share or an accuracy is wanted"
        raise ValueError(msg)
    return found


def _curves(rows: list[dict[str, str]]) -> Sensitivity:
    curves: dict[str, dict[float, float]] = {}
    for row in rows:
        curve = curves.setdefault(row["parameter"], {})
        # Accuracy may be in per cent.
        curve[_figure(row, "sparsity", at_most=1)] = _figure(row, "top1")
    return curves


def _proposals(rows: list[dict[str, str]]) -> Sensitivity:
    curves: dict[str, Mapping[float, float]] = {}
    for row in rows:
        name = row["Name"] if row["Name"].endswith(".weight") else f"{row['Name']}.weight"
        share = _figure(row, "Sparsity", at_most=1)
        curves[name] = {0.0: 1.0, 1.0: 0.0, share: 0.5} if share > 0 else {0.0: 1.0}
    return curves


def _missed(target: str, got: str) -> str:
    return (
        f"{target}: the compressed network has {got}: nothing was registered: choose a lower "
        "target, or a schedule that removes filters and then leaves their number alone"
    )
