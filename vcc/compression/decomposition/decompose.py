"""The structural step: layers are replaced by their forms, checked, and reported.

What a layer reads is observed first, by one pass of the network; then ranks are chosen for all
layers together, weights made, and each form is run beside its layer in another pass. A form of
full rank must compute what the layer does, or the layer stays; of the others the error is told.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from vcc.compression.channels.unchanged import random_like
from vcc.compression.decomposition.candidate import Layer, LayerCandidate
from vcc.compression.decomposition.eligible import eligible_layers
from vcc.compression.decomposition.factors import Moments
from vcc.compression.decomposition.moments import observe_moments
from vcc.compression.decomposition.ranks import RankRule, choose_ranks
from vcc.compression.decomposition.report import DecompositionReport
from vcc.errors import ScheduleError
from vcc.models.decomposed import Decomposed, replace_module
from vcc.models.modes import evaluating

log = logging.getLogger(__name__)

Calibration = Callable[[], Iterable[Tensor]]

# Relative error of a layer's output that rounding explains, where nothing else may differ.
_ROUNDING = {torch.float64: 1e-9, torch.float32: 1e-4}
_LOW_PRECISION = 2e-2
# Calibration batches on which the errors of outputs are measured.
_JUDGED_BATCHES = 8


@dataclass(frozen=True, kw_only=True)
class Decomposer:
    """What is to be decomposed, and how.

    Attributes:
        weights: parameter names.
        form: see `vcc.models.decomposed`.
        rule: how ranks are chosen.
        cheaper: lower ranks until a form costs less than its layer.
        data_aware: minimise the error of the layers' outputs on calibration clips, not of weights.
    """

    weights: tuple[str, ...]
    form: str
    rule: RankRule
    cheaper: bool = True
    data_aware: bool = False


def decompose_(
    model: nn.Module,
    decomposer: Decomposer,
    example_input: Tensor,
    *,
    calibration: Calibration | None = None,
    optimizer: Optimizer | None = None,
) -> DecompositionReport:
    """Replace layers by their forms, in place.

    Args:
        model: the network. A bias stays the same parameter; weights become new ones.
        decomposer: what to do.
        example_input: a batch that the network accepts; multiply-accumulates are those of one clip
            of its size.
        calibration: returns calibration batches; needed for `data_aware`, and what errors of
            outputs are measured on, in place of a random clip.
        optimizer: new weights take the old one's place in its groups, without its state.

    Raises:
        ScheduleError: ranks that cannot be, a cost that cannot be met, or no calibration batch.
            The network is then as it was.
    """
    fit, left = eligible_layers(model, decomposer.weights, decomposer.form)
    candidates = _candidates(model, decomposer, fit, example_input, calibration)
    left |= {name: "the network does not run it" for name in fit if name not in candidates}
    choices = {name: candidate.choice for name, candidate in candidates.items()}
    ranks = choose_ranks(decomposer.rule, choices, cheaper=decomposer.cheaper)
    forms = {name: candidates[name].made(ranks[name]) for name in candidates}
    judged: Iterable[Tensor] = [random_like(example_input)]
    if calibration is not None:
        judged = islice(calibration(), _JUDGED_BATCHES)
    errors = _output_errors(model, {name: (fit[name], forms[name]) for name in forms}, judged)
    rows = []
    for name, form in forms.items():
        candidate = candidates[name]
        if words := _broken(candidate, form, errors[name]):
            log.warning("%s stays as it is: %s", name, words)
            left[name] = words
            continue
        rows.append(candidate.row(name, form, errors[name]))
        replace_module(model, fit[name], form)
        if optimizer is not None:
            came = [part.get_parameter("weight") for part in form]
            _hand_over_(optimizer, fit[name].get_parameter("weight"), came)
    return DecompositionReport(tuple(rows), left)


def _candidates(
    model: nn.Module,
    decomposer: Decomposer,
    layers: Mapping[str, Layer],
    example_input: Tensor,
    calibration: Calibration | None,
) -> dict[str, LayerCandidate]:
    """Return what may take the place of each layer that runs."""
    moments: Mapping[str, Moments] = {}
    if decomposer.data_aware and layers:
        if calibration is None:
            msg = "data_aware needs calibration batches: give file_config a calibration"
            raise ScheduleError(msg)
        moments = observe_moments(model, layers, decomposer.form, calibration)
    return {
        name: LayerCandidate(
            layers[name],
            decomposer.form,
            shape,
            moments=moments.get(name, {}),
            data_aware=decomposer.data_aware,
        )
        for name, shape in _input_shapes(model, layers, example_input).items()
    }


def _broken(candidate: LayerCandidate, form: Decomposed, error: float) -> str:
    """Return why a form may not take its layer's place: it is not lossless where it should be."""
    allowed = _ROUNDING.get(candidate.layer.weight.dtype, _LOW_PRECISION)
    if form.ranks != candidate.choice.full or error <= allowed:
        return ""
    return f"at full rank its output differs by {error:.3g} of its norm"


def _hand_over_(optimizer: Optimizer, old: nn.Parameter, came: list[nn.Parameter]) -> None:
    """Put new parameters in the place of an old one, whose momentum means nothing to them."""
    for group in optimizer.param_groups:
        held = group["params"]
        group["params"] = [
            each for parameter in held for each in (came if parameter is old else [parameter])
        ]
    optimizer.state.pop(old, None)


def _input_shapes(
    model: nn.Module, layers: Mapping[str, nn.Module], example_input: Tensor
) -> dict[str, tuple[int, ...]]:
    """Return the shape of what each layer reads, of those that run."""
    shapes: dict[str, tuple[int, ...]] = {}

    def note(name: str) -> Callable[..., None]:
        def hook(_layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            shapes[name] = tuple(inputs[0].shape)

        return hook

    handles = [layer.register_forward_pre_hook(note(name)) for name, layer in layers.items()]
    try:
        with evaluating(model), torch.no_grad():
            model(example_input)
    finally:
        for handle in handles:
            handle.remove()
    return shapes


def _output_errors(
    model: nn.Module, pairs: Mapping[str, tuple[nn.Module, nn.Module]], clips: Iterable[Tensor]
) -> dict[str, float]:
    """Return |y' - y| / |y| of each layer and its form over some batches."""
    squares = {name: [0.0, 0.0] for name in pairs}

    def compare(name: str, form: nn.Module) -> Callable[..., None]:
        def hook(_layer: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
            difference = form(inputs[0]) - output
            squares[name][0] += float(difference.double().square().sum())
            squares[name][1] += float(output.double().square().sum())

        return hook

    handles = [
        layer.register_forward_hook(compare(name, form)) for name, (layer, form) in pairs.items()
    ]
    place = next(model.parameters())
    try:
        with evaluating(model), torch.no_grad():
            for batch in clips:
                model(batch.to(place.device, place.dtype))
    finally:
        for handle in handles:
            handle.remove()
    tiny = torch.finfo(torch.float64).tiny
    return {name: (wrong / max(whole, tiny)) ** 0.5 for name, (wrong, whole) in squares.items()}
