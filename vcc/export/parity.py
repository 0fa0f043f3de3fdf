"""Does the exported file say what the network says?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vcc.errors import ExportError
from vcc.export.integer_layers import IntegerLayers, compare_layers
from vcc.export.overflow import overflow_hint
from vcc.export.runtimes.session import Pixels, Session

# Largest difference of logits, relative to the largest logit. float32 sums in another order: a few
# ulp, with a wide margin; float16 and bfloat16 keep 11 and 8 bits of each value. Integers have no
# such limit: rounding ties flip and spread, in any two runtimes.
TOLERANCES = {"f32": 1e-4, "f16": 0.03, "bf16": 0.15}
# What integers are held to, clip by clip: the same best class, unless the network itself rates the
# two alike (a tie: closer than this share of the clip's spread), and a small mean difference. So
# many clips must hold. That each layer is computed exactly is judged apart, see `integer_layers`.
INT8_AGREEMENT = 0.9
INT8_TIE = 0.05
INT8_MEAN_DIFFERENCE = 0.1
# A clip between two classes has no spread of its own, and rounding the same as any other: it counts
# as this quantile of all clips at least. One clip of huge logits says nothing of the others.
_LEAST_SPREAD = 0.25
# Clips whose integers are compared layer by layer: each layer has thousands.
_LAYER_CLIPS = 4


@dataclass(frozen=True, kw_only=True)
class Parity:
    """Differences between a network's logits and its exported file's on the same clips.

    Attributes:
        clips: how many clips were compared.
        max_difference: largest absolute difference of logits.
        mean_difference: mean absolute difference of logits.
        scale: largest absolute logit of the network.
        top1_agreement: share of clips with the same best class, 0..1.
        held: share of clips that integers are held to: the same class or a tie, logits close.
        one_class: the file gives every clip one class, where the network clearly says another.
        levels: largest difference of an integer from exact arithmetic on the same inputs, over all
            layers; None where the runtime does not show its integers, or has none.
    """

    clips: int
    max_difference: float
    mean_difference: float
    scale: float
    top1_agreement: float
    held: float
    one_class: bool
    levels: float | None = None

    def metrics(self) -> dict[str, float]:
        """Return the figures under their logged names."""
        return {
            "parity_max_difference": self.max_difference,
            "parity_mean_difference": self.mean_difference,
            "parity_top1_agreement": self.top1_agreement,
            **({} if self.levels is None else {"parity_levels": self.levels}),
        }


def check_parity(
    network: Callable[[Tensor], Tensor], session: Session, batches: Iterable[Any]
) -> Parity:
    """Compare network and file on real clips, as strictly as the session's precision allows.

    Args:
        network: maps pixels [N,3,T,H,W] to logits [N,C].
        session: the loaded file.
        batches: have `.clips`, uint8 [N,3,T,H,W].

    Raises:
        ExportError: they differ by more, a layer is not computed exactly, or there was no clip to
            compare on.
    """
    expected, found = [], []
    sample: list[Pixels] = []
    for batch in batches:
        pixels = batch.clips.float()
        expected.append(network(pixels).detach().float().cpu())
        found.append(torch.from_numpy(np.asarray(session.run(pixels.numpy()))))
        sample += [pixels.numpy()[:1]] if len(sample) < _LAYER_CLIPS else []
    if not expected:
        msg = "parity: there are no clips to compare network and file on"
        raise ExportError(msg)
    layers = _integers(session, sample)
    parity = _compare(torch.cat(expected), torch.cat(found), layers=layers)
    if not _holds(parity, session.precision):
        raise ExportError(_difference(parity, session))
    return parity


def _integers(session: Session, sample: list[Pixels]) -> IntegerLayers | None:
    """Return how a quantized file's integers compare, where that can be seen.

    Raises:
        ExportError: a layer's are off by more than rounding explains.
    """
    if session.precision != "int8" or session.path is None:
        return None
    layers = compare_layers(session.path, session, sample)
    if layers is None or not layers.wrong:
        return layers
    worst = max(layers.wrong, key=lambda layer: (layer.levels != layer.levels, layer.levels))
    others = len(layers.wrong) - 1
    msg = (
        f"parity: {session.runtime} computes {worst.name} wrongly: {worst.share:.2%} of its values "
        f"are off from exact arithmetic on the same inputs by more than rounding explains, by up "
        f"to {worst.levels:.3g} levels{f'; so are {others} more layers' if others else ''}: "
        f"{overflow_hint(session.path)}: nothing was registered"
    )
    raise ExportError(msg)


def _difference(parity: Parity, session: Session) -> str:
    one_class = "; the file gives all of them one class" if parity.one_class else ""
    return (
        f"parity: network and file ({session.precision} on {session.runtime}) differ by "
        f"{parity.max_difference:.3g} in a logit and by {parity.mean_difference:.3g} in the "
        f"mean, of {parity.scale:.3g} at most; top-1 agrees on {parity.top1_agreement:.1%} "
        f"of {parity.clips} clips{one_class}: nothing was registered"
    )


def _compare(expected: Tensor, found: Tensor, *, layers: IntegerLayers | None) -> Parity:
    if expected.shape != found.shape:
        msg = (
            f"parity: the file returns {tuple(found.shape)}, not {tuple(expected.shape)}: it has "
            "other classes than the network"
        )
        raise ExportError(msg)
    difference = (expected - found).abs()
    same = expected.argmax(1) == found.argmax(1)
    # what the network itself says about the class that the file chose
    chosen = expected.gather(1, found.argmax(1, keepdim=True)).squeeze(1)
    scale = _spread(expected)
    alike = same | (expected.amax(1) - chosen <= INT8_TIE * scale)
    # Comparisons that are false for logits that are not numbers.
    close = difference.mean(1) <= INT8_MEAN_DIFFERENCE * scale
    return Parity(
        clips=len(expected),
        max_difference=float(difference.max()),
        mean_difference=float(difference.mean()),
        scale=float(expected.abs().max()),
        top1_agreement=float(same.float().mean()),
        # In float32 nine of ten are less than the 0.9 that is asked for.
        held=float((alike & close).double().mean()),
        one_class=bool((found.argmax(1) == found[0].argmax()).all() and not alike.all()),
        levels=None if layers is None else layers.levels,
    )


def _spread(logits: Tensor) -> Tensor:
    """Return what a clip's differences are relative to: highest minus lowest logit, [N]."""
    spread = logits.amax(1) - logits.amin(1)
    return spread.clamp_min(spread.quantile(_LEAST_SPREAD, interpolation="lower"))


def _holds(parity: Parity, precision: str) -> bool:
    # Comparisons that are false for logits that are not numbers.
    if precision in TOLERANCES:
        return parity.max_difference <= TOLERANCES[precision] * max(parity.scale, 1.0)
    return parity.held >= INT8_AGREEMENT and not parity.one_class
