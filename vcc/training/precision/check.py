"""Whether every layer of a network computes the same in another format or layout as in float32.

A kernel can be wrong for one shape only, and silently: on CPUs with AVX-512, torch 2.14's bfloat16
weight gradient of a padded 3x3x3 convolution of exactly two frames is garbage. So each layer is
asked with the inputs and gradients that it really gets, one by one: errors of other layers do not
add to its own, and what is left is rounding or a fault.
"""

from __future__ import annotations

import copy
import functools
import logging
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vcc.training.precision.budget import TimeBudget, TooSlowError
from vcc.training.precision.settings import PrecisionVariant, lay_out

_logger = logging.getLogger(__name__)

_REFERENCE = PrecisionVariant()
# Measured on the three families: rounding stays below 4 eps of the format for convolutions and
# BatchNorms alike; a fault is an error of order 1, infinite, or not a number.
_ROUNDING = 16.0
_LEAST_TOLERANCE = 1e-3
_BLOCKS = 3
_WORTH_FP32 = 0.7
_LONGEST_SAFE_KERNEL = 3
_SECONDS_BETWEEN_LINES = 10.0


@dataclass(frozen=True)
class LayerCheck:
    """How far a layer is from its float32 self, and what it costs.

    Attributes:
        quantity: output, input gradient or weight gradient: whichever is furthest. The last is
            that of all the layer's parameters as one vector: the gradient of a bias before a
            BatchNorm, alone, is rounding and nothing else.
        error: the norm of the difference by the norm of the float32 one; infinite if not finite.
        seconds: the shorter of two passes forward and backward.
    """

    quantity: str
    error: float
    seconds: float = 0.0


_NOT_ASKED = LayerCheck("memory (it was not asked)", math.inf)
_SEVERAL = LayerCheck("tensors (it takes or gives several, and was not asked)", math.inf)


@dataclass(frozen=True)
class _Pass:
    """What one layer made of an input and of the gradient of its output."""

    output: Tensor
    input_gradient: Tensor | None
    weight_gradient: Tensor | None
    seconds: float


def tolerance(variant: PrecisionVariant) -> float:
    """Return the largest relative error that rounding explains: 16 eps of the format."""
    return max(_LEAST_TOLERANCE, _ROUNDING * torch.finfo(variant.dtype).eps)


def check_layers(
    classifier: nn.Module,
    clips: Tensor,
    labels: Tensor,
    loss: nn.Module,
    variants: Sequence[PrecisionVariant],
    *,
    budget: TimeBudget | None = None,
) -> dict[PrecisionVariant, dict[str, LayerCheck]]:
    """Return every layer's error and time in every variant, on one batch.

    A layer is a module with parameters of its own that maps one tensor to one. Others, such as
    attention and LSTM, are not asked: 16 bits count as wrong there. The network itself is not
    touched: neither its weights, gradients and statistics nor the random state. A variant
    that is far behind plain float32 is given up at once, and not in the answer.

    Args:
        classifier: pixels [N,3,T,H,W] to logits [N,C], in training mode.
        clips: the pixels of a real batch, on the classifier's device.
        labels: int64 [N].
        loss: of logits and labels.
        variants: formats and layouts to compare with contiguous float32, which is also returned.
        budget: the seconds that may be spent, and what is far behind; None for no limit.

    Raises:
        TooSlowError: the budget is spent.
    """
    observed = copy.deepcopy(classifier)
    names = [
        name
        for name, layer in observed.named_modules()
        if any(True for _ in layer.parameters(recurse=False))
    ]
    comparison = _Comparison(
        copy.deepcopy(classifier), variants, len(names), budget or TimeBudget(seconds=math.inf)
    )
    for name in names:
        watch = functools.partial(comparison.watch, name)
        observed.get_submodule(name).register_forward_hook(watch, with_kwargs=True)
    devices = [clips.device] if clips.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), torch.enable_grad():
        loss(observed(clips), labels).backward()
    return {variant: dict(reversed(each.items())) for variant, each in comparison.found.items()}


class _Comparison:
    """Runs each layer of a copy in all variants when the observed network's backward meets it."""

    def __init__(
        self, twin: nn.Module, variants: Sequence[PrecisionVariant], layers: int, budget: TimeBudget
    ) -> None:
        self._twin = twin
        self._layers = layers
        self._budget = budget
        self._said = budget.left()
        self._longest = 0.0
        self._spent: dict[PrecisionVariant, float] = defaultdict(float)
        compared = [variant for variant in variants if variant != _REFERENCE]
        self.found: dict[PrecisionVariant, dict[str, LayerCheck]] = {
            v: {} for v in (_REFERENCE, *compared)
        }

    def watch(
        self, name: str, _layer: nn.Module, inputs: tuple[Any, ...], named: Any, output: Any
    ) -> None:
        """Compare a layer as soon as the gradient of its output is known."""
        self._require_time()
        if named or len(inputs) != 1 or not all(map(torch.is_tensor, (*inputs, output))):
            self._leave(name)
            return
        (x,) = inputs
        if output.requires_grad:
            # A hook of the tensor, not of the module: an activation may overwrite the output.
            hook = functools.partial(self._compare, name, x.detach(), x.requires_grad)
            output.register_hook(hook)

    def _leave(self, name: str) -> None:
        """Note that a layer was not compared; in float32 the layout is all that may differ."""
        for variant, checks in self.found.items():
            if variant.number != "fp32":
                checks[name] = _SEVERAL

    def _compare(self, name: str, x: Tensor, wants_gradient: bool, gradient: Tensor) -> None:
        layer = self._twin.get_submodule(name)
        # Twice, with opposite gradients: a kernel that leaves its result unwritten then finds the
        # opposite of the right one in memory. The reference is last, for the same reason.
        signs = (-1.0, 1.0)
        made: dict[PrecisionVariant, list[_Pass]] = {}
        for variant in [*(v for v in self.found if v != _REFERENCE), _REFERENCE]:
            if variant.number != "fp32" and _corrupts_memory(layer, x):
                self.found[variant][name] = _NOT_ASKED
                continue
            run = functools.partial(
                _run, layer, x, variant=variant, wants_gradient=wants_gradient, now=self._budget.now
            )
            passes = self._passes(variant, (functools.partial(run, gradient * s) for s in signs))
            if passes:
                made[variant] = passes
            else:
                del self.found[variant]
        for variant, passes in made.items():
            self._note(variant, name, passes, made[_REFERENCE])

    def _note(
        self, variant: PrecisionVariant, name: str, passes: list[_Pass], reference: list[_Pass]
    ) -> None:
        errors = map(_furthest, passes, reference)
        quantity, error = max(errors, key=lambda each: each[1])
        seconds = min(each.seconds for each in passes)
        self.found[variant][name] = LayerCheck(quantity, error, seconds)
        self._spent[variant] += seconds

    def _passes(
        self, variant: PrecisionVariant, runs: Iterable[Callable[[], _Pass]]
    ) -> list[_Pass]:
        """Return what the runs make; nothing once the variant is far behind."""
        passes: list[_Pass] = []
        for run in runs:
            self._require_time()
            passes.append(run())
            self._longest = max(self._longest, passes[-1].seconds)
            late = self._spent[variant] + passes[-1].seconds > self._budget.far_behind
            if late and variant != _REFERENCE:
                return []
        return passes

    def _require_time(self) -> None:
        left = self._budget.left()
        if not self._budget.has(self._longest):
            raise TooSlowError
        if self._said - left >= _SECONDS_BETWEEN_LINES:
            self._said = left
            done = len(self.found[_REFERENCE])
            _logger.info(
                "precision: %d of %d layers checked, %.0f s left", done, self._layers, left
            )


def wrong_layers(
    checks: Mapping[str, LayerCheck], variant: PrecisionVariant
) -> dict[str, LayerCheck]:
    """Return the layers whose error rounding does not explain, in the order of the forward pass."""
    limit = tolerance(variant)
    return {name: each for name, each in checks.items() if not each.error <= limit}


def slower_layers(
    checks: Mapping[str, LayerCheck], in_fp32: Mapping[str, LayerCheck]
) -> tuple[str, ...]:
    """Return the layers that float32 of the same layout runs in less than 0.7 of their time.

    A depthwise convolution's gradients can take four times as long in bfloat16. The margin pays for
    changing the format before and after.
    """
    return tuple(
        name
        for name, each in checks.items()
        if name in in_fp32 and in_fp32[name].seconds < _WORTH_FP32 * each.seconds
    )


def relative_error(value: Tensor, reference: Tensor) -> float:
    """Return ||value - reference|| / ||reference||; infinite where the value is not finite."""
    difference = float((value.float() - reference.float()).norm())
    size = float(reference.float().norm())
    if not math.isfinite(difference):
        return math.inf
    return difference / size if size else (math.inf if difference else 0.0)


def _furthest(made: _Pass, reference: _Pass) -> tuple[str, float]:
    pairs = {
        "output": (made.output, reference.output),
        "input gradient": (made.input_gradient, reference.input_gradient),
        "weight gradient": (made.weight_gradient, reference.weight_gradient),
    }
    errors = [
        (quantity, relative_error(value, right))
        for quantity, (value, right) in pairs.items()
        if value is not None and right is not None
    ]
    return max(errors, key=lambda each: each[1])


def _run(
    layer: nn.Module,
    x: Tensor,
    gradient: Tensor,
    *,
    variant: PrecisionVariant,
    wants_gradient: bool,
    now: Callable[[torch.device], float],
) -> _Pass:
    """Run a layer forward and backward; its statistics move, its gradients do not."""
    layout = variant.memory_format
    lay_out(layer, layout)
    x, gradient = (
        each.to(memory_format=layout) if each.dim() == 5 else each for each in (x, gradient)
    )
    x = x.detach().to(variant.dtype).requires_grad_(wants_gradient)
    trained = [weight for weight in layer.parameters(recurse=False) if weight.requires_grad]
    _spoil_free_memory(trained)
    scale = _loss_scale(gradient) if variant.number == "fp16" else 1.0
    wanted = [*([x] if wants_gradient else []), *trained]
    gradient = (gradient * scale).to(variant.dtype)
    started = now(x.device)
    with torch.enable_grad(), variant.autocast(x.device):
        output = layer(x)
    gradients = torch.autograd.grad(output, wanted, gradient.to(output.dtype))
    seconds = now(x.device) - started
    unscaled = [each.float() / scale for each in gradients]
    first = unscaled.pop(0) if wants_gradient else None
    weights = torch.cat([each.flatten() for each in unscaled]) if unscaled else None
    return _Pass(output.detach(), first, weights, seconds)


def _corrupts_memory(layer: nn.Module, x: Tensor) -> bool:
    """Return whether a layer's 16-bit kernel must not even be asked.

    On a CPU with AVX-512, the weight gradient of a convolution whose input has fewer frames than
    its kernel, of five frames or more, writes outside its memory: the process would end.
    """
    if not isinstance(layer, nn.Conv3d) or x.device.type != "cpu":
        return False
    frames, kernel = int(x.shape[2]), int(layer.kernel_size[0])
    return kernel > _LONGEST_SAFE_KERNEL and frames < kernel


def _spoil_free_memory(weights: Sequence[Tensor]) -> None:
    """Leave not-a-number where the next gradients will probably be allocated.

    The faulty kernel reads memory that nothing was written to. Just after a right result of the
    same size was freed there, it would look right.
    """
    kept = [
        torch.full_like(weight, math.nan, dtype=dtype)
        for weight in weights
        for dtype in (torch.float32, torch.bfloat16)
        for _ in range(_BLOCKS)
    ]
    del kept


def _loss_scale(gradient: Tensor) -> float:
    """Return the power of two that brings the largest gradient near 1, as loss scaling would."""
    largest = float(gradient.abs().max())
    return 2.0 ** -math.ceil(math.log2(largest)) if 0 < largest < math.inf else 1.0
