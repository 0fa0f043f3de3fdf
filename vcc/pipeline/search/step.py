"""The parts of a search, made for one dense network and one target, and its trials."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from vcc.config.entrypoints import SearchEntry
from vcc.errors import ModelError
from vcc.export.runtimes.catalog import choose_provider, provider_of
from vcc.models.quantized.plan import read_plan
from vcc.pipeline.layer_times import LayerTable
from vcc.pipeline.search.judge import Judge
from vcc.pipeline.search.knobs.clips import clip_choices
from vcc.pipeline.search.prices import Prices
from vcc.pipeline.search.sensitivity import Curves, measure_curves, start_points
from vcc.pipeline.search.space import FLOAT, INT8, MIXED, SearchCandidate
from vcc.pipeline.search.structure import CandidateBuilder
from vcc.pipeline.search.study import Outcome, Study
from vcc.pipeline.search.target import Price, Target, target_of
from vcc.pipeline.search.trials import Trials
from vcc.pipeline.source import SourceNetwork, name_of

_logger = logging.getLogger(__name__)

# What a trial's outcome depends on; the others only say how many there are and where they are kept.
_SETTINGS = ("trial_epochs", "trial_videos", "dev_videos", "clips", "manual_seed")
# Of what candidates consist of: Optuna's studies of others are not gone on with.
_SPACE = 2


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """What a search works with.

    Attributes:
        builder: of candidates.
        prices: what they cost on the runtime.
        judge: what they answer.
        target: what they may cost.
        provider: the runtime.
        quant_target: whose integers it runs; None: none.
        dense_top1: dev video top-1 of the dense network.
        folder: of the search.
    """

    builder: CandidateBuilder
    prices: Prices
    judge: Judge
    target: Target
    provider: str
    quant_target: str | None
    dense_top1: float
    folder: Path

    def price(self, candidate: SearchCandidate) -> Price:
        """Return what a candidate will cost."""
        precision = self.builder.space.precision(candidate)
        return self.prices.of(self.builder.build(candidate), precision)

    def dense_figure(self) -> float:
        """Return what the dense network is by the target's figure."""
        return self.target.of(self.prices.of_dense())

    def timed(self, outcome: Outcome) -> Outcome:
        """Return an outcome whose network was exported and timed."""
        network = self.builder.build(outcome.candidate)
        precision = self.builder.space.precision(outcome.candidate)
        measured = self.prices.measure(network, precision)
        return replace(outcome, measured=measured)

    def curves(self) -> Curves:
        """Return the sensitivity of every group of layers."""
        return measure_curves(
            self.builder,
            self.judge,
            dense_top1=self.dense_top1,
            kept=self.folder / "sensitivity.json",
        )


def runtime_of(provider: str) -> str:
    """Return what `auto` means for a search: CUDA, else OpenVINO, which runs int8, else the CPU."""
    chosen = choose_provider(provider, [])
    if provider == "auto" and chosen == "cpu" and importlib.util.find_spec("openvino"):
        return "openvino"
    return chosen


def search_name(source: SourceNetwork, options: SearchEntry, provider: str) -> str:
    """Return the name of a search: the same for the same network, target and way to judge."""
    option, asked = options.target
    settings = {
        **{name: getattr(options, name) for name in _SETTINGS},
        "provider": provider,
        "space": _SPACE,
        "weights": _digest(source.network.model),
        "data": source.dataset.digest,
    }
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]
    card = source.network.card
    return f"{card.arch}-{card.dataset}-{option}-{asked:g}-{digest}"


def prepare_workshop(
    source: SourceNetwork, options: SearchEntry, *, provider: str, folder: Path
) -> Workshop:
    """Return what a search works with; the dense and the smallest network are timed for it.

    Args:
        source: the dense network and its data.
        options: of the search.
        provider: the runtime, not auto.
        folder: of the search; it exists.

    Raises:
        ScheduleError: not even the smallest candidate meets the target.
        ExportError: the runtime cannot start, or cannot run the network.
        DataError: there are no dev videos.
        ModelError: the network is quantized.
    """
    dense = source.network
    if read_plan(dense.model) is not None:
        msg = (
            f"{name_of(source)}: is quantized: a search starts from a network in float: choose the "
            "dense one by source, or leave source out for the registered baseline"
        )
        raise ModelError(msg)
    judge = Judge(dense, source.dataset, options)
    quant_target = provider_of(provider).int8_target
    precisions = (INT8, FLOAT, MIXED) if quant_target else (FLOAT,)
    clips = clip_choices(dense, source.dataset, options.clips)
    builder = CandidateBuilder(dense, precisions=precisions, clips=clips)
    prices = Prices(
        dense,
        builder,
        table=LayerTable(options.root_path / "latency", provider),
        provider=provider,
        quant_target=quant_target,
        kept=folder / "prices.json",
    )
    target = target_of(options, eager_ms=prices.eager_ms, dense_ms=prices.dense_ms)
    workshop = Workshop(
        builder=builder,
        prices=prices,
        judge=judge,
        target=target,
        provider=provider,
        quant_target=quant_target,
        dense_top1=judge.top1(dense),
        folder=folder,
    )
    smallest = builder.space.smallest(int8=INT8 in precisions)
    where = f"{provider}, {precisions[0]}, {len(builder.space.groups)} groups of layers"
    target.require(workshop.price(smallest), where=where)
    if words := target.note(prices.of_dense()):
        _logger.warning("%s", words)
    return workshop


def search(
    workshop: Workshop, options: SearchEntry, *, name: str, curves: Curves, seconds: float
) -> list[Outcome]:
    """Try candidates until enough are judged or the time is spent; return all outcomes.

    Args:
        workshop: of the search.
        options: how many, where they are kept.
        name: of the study.
        curves: sensitivity of the groups, for the first candidates.
        seconds: begin no further candidate after so long.
    """
    study = Study(options, name=name, folder=workshop.folder, target=workshop.target)
    stale = study.give_up_stale()
    known = study.outcomes()
    if known or stale:
        _logger.info("going on: %d trials are there, %d were interrupted", len(known), stale)
    study.enqueue(_first(workshop, curves))
    trials = Trials(
        study,
        workshop.builder,
        workshop.prices,
        workshop.judge,
        target=workshop.target,
        options=options,
    )
    return trials.run(seconds=seconds)


def _first(workshop: Workshop, curves: Curves) -> Iterable[SearchCandidate]:
    return start_points(
        workshop.builder.space,
        curves,
        lambda candidate: workshop.target.violation(workshop.price(candidate)) <= 0,
    )


def _digest(model: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
