"""A small network that was quantized after training, and the clips that calibrated it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vcc.compression.quantization.insertion import calibrate, insert_quantizers
from vcc.compression.quantization.quantizers import CalibratedRanges

# What they read has much in common from place to place, as pictures have.
CLIPS = torch.nn.functional.interpolate(
    torch.randn(24, 3, 2, 3, 3, generator=torch.Generator().manual_seed(0)), scale_factor=(2, 3, 3)
)


class Small(nn.Module):
    """Two convolutions, one of them in groups, and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv3d(3, 8, 3, padding=1)
        self.second = nn.Conv3d(8, 8, 3, padding=1, groups=4, bias=False)
        self.last = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.second(torch.relu(self.first(x))))
        out: Tensor = self.last(x.mean(dim=(2, 3, 4)))
        return out


def calibrated(bits: int = 4, **options: object) -> tuple[nn.Module, Tensor]:
    """Return a network with weights of so many bits, and its logits on `CLIPS` in float."""
    torch.manual_seed(0)
    model = Small().eval()
    with torch.no_grad():
        logits = model(CLIPS)
    arguments = CalibratedRanges(bits_parameters=bits, quant_target="cpu", **options)  # type: ignore[arg-type]
    settings = arguments.settings("PostTrainLinearQuantizer")
    insert_quantizers(model, settings, CLIPS[:1])
    calibrate(model, settings, lambda: [CLIPS])
    return model, logits
