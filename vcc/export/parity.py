"""Does the exported file say what the network says?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vcc.errors import ExportError
from vcc.export.session import Session

# Largest difference of logits, relative to the largest logit. float32 sums in another order: a few
# ulp, with a wide margin; float16 and bfloat16 keep 11 and 8 bits of each value. Integers have no
# such limit: rounding ties flip and spread, in any two runtimes.
TOLERANCES = {"f32": 1e-4, "f16": 0.03, "bf16": 0.15}
# What integers are held to: as many clips must get the same best class, a tie of the network's own
# logits (closer than this share of the largest) aside, and the mean difference must stay small.
INT8_AGREEMENT = 0.9
INT8_TIE = 0.05
INT8_MEAN_DIFFERENCE = 0.1


@dataclass(frozen=True, kw_only=True)
class Parity:
    """Differences between a network's logits and its exported file's on the same clips.

    Attributes:
        clips: how many clips were compared.
        max_difference: largest absolute difference of logits.
        mean_difference: mean absolute difference of logits.
        scale: largest absolute logit of the network, which differences are relative to.
        top1_agreement: share of clips with the same best class, 0..1.
        agreement_but_ties: the same, where two classes that the network itself rates alike (within
            5 % of the scale) count as the same.
    """

    clips: int
    max_difference: float
    mean_difference: float
    scale: float
    top1_agreement: float
    agreement_but_ties: float

    def metrics(self) -> dict[str, float]:
        """Return the figures under their logged names."""
        return {
            "parity_max_difference": self.max_difference,
            "parity_mean_difference": self.mean_difference,
            "parity_top1_agreement": self.top1_agreement,
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
        ExportError: they differ by more, or there was no clip to compare on.
    """
    expected, found = [], []
    for batch in batches:
        pixels = batch.clips.float()
        expected.append(network(pixels).detach().float().cpu())
        found.append(torch.from_numpy(np.asarray(session.run(pixels.numpy()))))
    if not expected:
        msg = "parity: there are no clips to compare network and file on"
        raise ExportError(msg)
    parity = _compare(torch.cat(expected), torch.cat(found))
    if not _holds(parity, session.precision):
        msg = (
            f"parity: network and file ({session.precision} on {session.runtime}) differ by "
            f"{parity.max_difference:.3g} in a logit and by {parity.mean_difference:.3g} in the "
            f"mean, of {parity.scale:.3g} at most; top-1 agrees on {parity.top1_agreement:.1%} "
            f"of {parity.clips} clips: nothing was registered"
        )
        raise ExportError(msg)
    return parity


def _compare(expected: Tensor, found: Tensor) -> Parity:
    if expected.shape != found.shape:
        msg = (
            f"parity: the file returns {tuple(found.shape)}, not {tuple(expected.shape)}: it has "
            "other classes than the network"
        )
        raise ExportError(msg)
    difference = (expected - found).abs()
    scale = float(expected.abs().max())
    same = expected.argmax(1) == found.argmax(1)
    # what the network itself says about the class that the file chose
    chosen = expected.gather(1, found.argmax(1, keepdim=True)).squeeze(1)
    tied = expected.amax(1) - chosen <= INT8_TIE * scale
    return Parity(
        clips=len(expected),
        max_difference=float(difference.max()),
        mean_difference=float(difference.mean()),
        scale=scale,
        top1_agreement=float(same.float().mean()),
        agreement_but_ties=float((same | tied).float().mean()),
    )


def _holds(parity: Parity, precision: str) -> bool:
    # Comparisons that are false for logits that are not numbers.
    if precision in TOLERANCES:
        return parity.max_difference <= TOLERANCES[precision] * max(parity.scale, 1.0)
    return (
        parity.agreement_but_ties >= INT8_AGREEMENT
        and parity.mean_difference <= INT8_MEAN_DIFFERENCE * max(parity.scale, 1.0)
    )
