"""Networks that are wrong in one format, or slow in one, by a clock of their own."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from vcc.config.training import TrainingOptions
from vcc.training.precision.settings import PrecisionVariant

BF16 = PrecisionVariant("bf16")
BF16_LAST = PrecisionVariant("bf16", channels_last=True)
LAST = PrecisionVariant(channels_last=True)
LOSS = nn.CrossEntropyLoss()


def options(precision: str) -> TrainingOptions:
    """Return options of a precision on the CPU."""
    return TrainingOptions(train_precision=precision, learning_rate=0.01, no_cuda=True)


class _WrongWeightGradient(torch.autograd.Function):
    """A convolution with a bfloat16 weight gradient of noise; all else about it is right."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        # What autocast does with a convolution's operands.
        mixed = torch.is_autocast_enabled("cpu")
        dtype = torch.bfloat16 if mixed else torch.float32
        ctx.save_for_backward(x.to(dtype), weight.to(dtype))
        ctx.mixed = mixed
        return nn.functional.conv3d(x.to(dtype), weight.to(dtype), padding=1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        x, weight = (each.detach().float().requires_grad_() for each in ctx.saved_tensors)
        with torch.enable_grad(), torch.autocast("cpu", enabled=False):
            y = nn.functional.conv3d(x, weight, padding=1)
        for_x, for_weight = torch.autograd.grad(y, (x, weight), gradients[0].float())
        if ctx.mixed:
            for_weight = torch.randn_like(for_weight) * for_weight.norm()
        return for_x, for_weight


class Faulty(nn.Conv3d):
    """Right in float32, silently wrong in bfloat16, as a kernel of one shape can be."""

    def forward(self, x: Tensor) -> Tensor:  # noqa: A003
        result: Tensor = _WrongWeightGradient.apply(x, self.weight)
        return result


def with_a_fault() -> nn.Sequential:
    """Return a small network whose second convolution is wrong in bfloat16."""
    return nn.Sequential(
        nn.Conv3d(3, 8, 3, padding=1, bias=False),
        nn.BatchNorm3d(8),
        nn.ReLU(inplace=True),
        Faulty(8, 8, 3, padding=1, bias=False),
        nn.BatchNorm3d(8),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool3d(1),
        nn.Flatten(),
        nn.Linear(8, 2),
    )


def batch(frames: int = 4, size: int = 8) -> tuple[Tensor, Tensor]:
    """Return six clips and their labels."""
    return torch.randn(6, 3, frames, size, size), torch.tensor([0, 1, 0, 1, 0, 1])


class Seconds:
    """A clock that goes on when it is told to: each layer takes what the plan in use costs."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls = 0

    def __call__(self) -> float:
        self.calls += 1
        return self.now


class Timed(nn.Module):
    """Takes seconds of a made clock; more of them with channels innermost, or in bfloat16."""

    def __init__(self, clock: Seconds, *, last: float = 1.0, mixed: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2, 3, 2, 2, 2))
        self.clock, self.last, self.mixed = clock, last, mixed

    def __deepcopy__(self, memo: dict[int, Any]) -> Timed:
        twin = Timed(self.clock, last=self.last, mixed=self.mixed)
        twin.load_state_dict(self.state_dict())
        return twin

    def forward(self, x: Tensor) -> Tensor:
        innermost = not self.weight.is_contiguous()
        self.clock.now += self.last if innermost else 1.0
        self.clock.now += self.mixed - 1 if torch.is_autocast_enabled("cpu") else 0.0
        result: Tensor = nn.functional.conv3d(x, self.weight)
        return result.mean((2, 3, 4))


class Clocked(nn.Module):
    """Passes its input on, and takes seconds of a made clock."""

    def __init__(self, clock: Seconds, seconds: float) -> None:
        super().__init__()
        self.clock, self.seconds = clock, seconds

    def __deepcopy__(self, memo: dict[int, Any]) -> Clocked:
        return Clocked(self.clock, self.seconds)

    def forward(self, x: Tensor) -> Tensor:
        self.clock.now += self.seconds
        return x
