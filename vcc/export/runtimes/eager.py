"""PyTorch itself, as what every speed-up is measured against: float32, contiguous, no gradients."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from vcc.export.runtimes.session import Pixels, Session


class EagerSession(Session):
    """A classifier in PyTorch on the CPU.

    Args:
        classifier: maps pixels [N,3,T,H,W] to logits [N,C]; put into evaluation mode.
        threads: CPU threads; set for each run, since they are the process's.
    """

    runtime = "PyTorch eager CPU"

    def __init__(self, classifier: nn.Module, *, threads: int) -> None:
        self._classifier = classifier.cpu().float().eval()
        self._threads = threads

    @torch.inference_mode()
    def run(self, pixels: Pixels) -> npt.NDArray[np.float32]:
        """Return logits [N,C] for pixels 0..255, float32 [N,3,T,H,W]."""
        before = torch.get_num_threads()
        if before != self._threads:
            torch.set_num_threads(self._threads)
        try:
            logits: npt.NDArray[np.float32] = self._classifier(torch.from_numpy(pixels)).numpy()
        finally:
            if before != self._threads:
                torch.set_num_threads(before)
        return logits
