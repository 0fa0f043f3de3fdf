"""How much a structure is worth: the scores by which ranked pruners choose; the lowest go first."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vcc.compression.masks.structures import block_view, structure_means
from vcc.compression.pruners.base import PruneContext, draw_generator
from vcc.errors import ScheduleError


class Score(abc.ABC):
    """Scores the structures of one parameter."""

    @abc.abstractmethod
    def __call__(self, name: str, dims: Sequence[int], context: PruneContext) -> Tensor | None:
        """Return one score per structure, or None where there is nothing to rank by yet."""

    def state_dict(self, names: Iterable[str]) -> dict[str, Any]:
        """Return what a resumed run needs to score some parameters."""
        return {}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:  # noqa: B027 - most keep nothing
        """Take what `state_dict` returned."""


class NormScore(Score):
    """L1 or L2 norm divided by the structure's element count.

    Args:
        order: 1 or 2.
        noise: probability of multiplying all scores of a parameter by standard normal noise.
        block_shape: [repetitions, depth, 1, ...] for blocks, whose norm is not divided.
    """

    def __init__(
        self, order: int, *, noise: float = 0.0, block_shape: Sequence[int] | None = None
    ) -> None:
        self.order, self.noise, self.block_shape = order, noise, block_shape

    def __call__(self, name: str, dims: Sequence[int], context: PruneContext) -> Tensor | None:
        weight = context.weight(name)
        if self.block_shape is not None:
            view = block_view(weight, self.block_shape)
            scores = torch.linalg.vector_norm(view, ord=self.order, dim=1)
        else:
            scores = structure_means(weight, dims, order=self.order)
        return self._with_noise(scores, name, context) if self.noise else scores

    def _with_noise(self, scores: Tensor, name: str, context: PruneContext) -> Tensor:
        generator = draw_generator("noise", name, context.epoch, context.step)
        if float(torch.rand((), generator=generator)) > self.noise:
            return scores
        return scores * torch.randn(scores.shape, generator=generator).to(scores.device)


class GradientScore(Score):
    """Signed sum of weight * gradient over the structure; None before the first backward pass.

    At an epoch's begin the gradients are those of the epoch before: they are part of the state.

    Args:
        model: the network, to give a resumed run its gradients back.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model

    def __call__(self, name: str, dims: Sequence[int], context: PruneContext) -> Tensor | None:
        gradient = context.parameters[name].grad
        if gradient is None:
            return None
        product = context.weight(name) * gradient.detach()
        others = [dim for dim in range(product.dim()) if dim not in dims]
        return product.sum(dim=others)

    def state_dict(self, names: Iterable[str]) -> dict[str, Any]:
        gradients = {name: self.model.get_parameter(name).grad for name in names}
        return {name: gradient for name, gradient in gradients.items() if gradient is not None}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        for name, gradient in saved.items():
            parameter = self.model.get_parameter(name)
            parameter.grad = gradient.to(device=parameter.device, dtype=parameter.dtype)


class RandomScore(Score):
    """A random order, drawn anew at each call."""

    def __call__(self, name: str, dims: Sequence[int], context: PruneContext) -> Tensor | None:
        weight = context.weight(name)
        generator = draw_generator("order", name, context.epoch, context.step)
        sizes = [weight.shape[dim] for dim in dims]
        return torch.rand(sizes, generator=generator).to(weight.device)


class ActivationScore(Score):
    """How active a filter's output is: 100 - APoZ, or its mean.

    Args:
        statistic: parameter name -> per-channel figure, or None where nothing was collected yet.
        sign: -1 where a high figure means useless (APoZ), 1 where it means useful (mean).
    """

    def __init__(self, statistic: Callable[[str], Tensor | None], *, sign: int) -> None:
        self.statistic, self.sign = statistic, sign

    def __call__(self, name: str, dims: Sequence[int], context: PruneContext) -> Tensor | None:
        figures = self.statistic(name)
        if figures is None:
            return None
        weight = context.weight(name)
        if len(figures) != weight.shape[0]:
            msg = (
                f"{name}: {len(figures)} activation statistics for {weight.shape[0]} filters: the "
                "activation that was observed is not this layer's"
            )
            raise ScheduleError(msg)
        return (figures * self.sign).to(weight.device)
