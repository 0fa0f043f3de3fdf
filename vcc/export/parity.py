"""Does the exported file say what the network says?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vcc.errors import ExportError
from vcc.export.runtimes import Session

# float32 sums in another order: a few ulp of the largest logit, with a wide margin.
FLOAT32_TOLERANCE = 1e-4


@dataclass(frozen=True, kw_only=True)
class Parity:
    """Differences between a network's logits and its exported file's on the same clips.

    Attributes:
        clips: how many clips were compared.
        max_difference: largest absolute difference of logits.
        mean_difference: mean absolute difference of logits.
        scale: largest absolute logit of the network, which differences are relative to.
        top1_agreement: share of clips with the same best class, 0..1.
    """

    clips: int
    max_difference: float
    mean_difference: float
    scale: float
    top1_agreement: float

    def metrics(self) -> dict[str, float]:
        """Return the figures under their logged names."""
        return {
            "parity_max_difference": self.max_difference,
            "parity_mean_difference": self.mean_difference,
            "parity_top1_agreement": self.top1_agreement,
        }


def check_parity(
    network: Callable[[Tensor], Tensor],
    session: Session,
    batches: Iterable[Any],
    *,
    tolerance: float = FLOAT32_TOLERANCE,
) -> Parity:
    """Compare network and file on real clips.

    Args:
        network: maps pixels [N,3,T,H,W] to logits [N,C].
        session: the loaded file.
        batches: have `.clips`, uint8 [N,3,T,H,W].
        tolerance: largest difference allowed, relative to the largest logit.

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
    return _judge(torch.cat(expected), torch.cat(found), tolerance)


def _judge(expected: Tensor, found: Tensor, tolerance: float) -> Parity:
    if expected.shape != found.shape:
        msg = f"parity: the file returns {tuple(found.shape)}, not {tuple(expected.shape)}"
        raise ExportError(msg)
    difference = (expected - found).abs()
    parity = Parity(
        clips=len(expected),
        max_difference=float(difference.max()),
        mean_difference=float(difference.mean()),
        scale=float(expected.abs().max()),
        top1_agreement=float((expected.argmax(1) == found.argmax(1)).float().mean()),
    )
    allowed = tolerance * max(parity.scale, 1.0)
    # The negation also catches logits that are not numbers.
    if not parity.max_difference <= allowed:
        msg = (
            f"parity: network and file differ by {parity.max_difference:.3g} in a logit, "
            f"at most {allowed:.3g} allowed; top-1 agrees on {parity.top1_agreement:.1%} "
            f"of {parity.clips} clips: nothing was registered"
        )
        raise ExportError(msg)
    return parity
