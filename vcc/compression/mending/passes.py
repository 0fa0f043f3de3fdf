"""Calibration clips through a network, as far as one of its layers."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterable

import torch
from torch import Tensor, nn

from vcc.models.modes import evaluating

Batches = Callable[[], Iterable[Tensor]]
# Takes a layer, what it read and what it computed.
Look = Callable[[nn.Module, Tensor, Tensor], None]

# A mean over places and clips is known well by as many; each layer takes a pass over all.
MOST_CLIPS = 64


class _Reached(Exception):  # noqa: N818 - nothing is wrong: the rest of a pass has no reader
    """All calls of the layer were seen."""


def calls_in_order(model: nn.Module, layers: Collection[str], clip: Tensor) -> dict[str, int]:
    """Return layer -> how often a pass calls it, in the order of the first calls.

    Args:
        model: the network.
        layers: names of its modules; those that do not run are left out.
        clip: a batch [N,C,...] that it accepts.
    """
    calls: Counter[str] = Counter()

    def hook(name: str) -> Callable[..., None]:
        return lambda *_: calls.update([name])

    handles = [model.get_submodule(n).register_forward_pre_hook(hook(n)) for n in layers]
    try:
        with evaluating(model), torch.no_grad():
            _run(model, clip)
    finally:
        for handle in handles:
            handle.remove()
    return dict(calls)


def watch_layer(model: nn.Module, name: str, calls: int, batches: Batches, look: Look) -> None:
    """Show all that a layer reads and computes; what comes behind it is not computed.

    Args:
        model: the network, in evaluation mode meanwhile.
        name: of the layer.
        calls: how often a pass calls it.
        batches: returns the calibration batches [N,C,...], of which the first `MOST_CLIPS` clips
            are taken. They run one by one: the activations of a batch of them fill gigabytes.
        look: called for each call.
    """
    layer = model.get_submodule(name)
    seen = 0

    def hook(module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal seen
        look(module, args[0], output)
        seen += 1
        if seen % calls == 0:
            raise _Reached

    clips = (clip for batch in batches() for clip in batch.unbind())
    handle = layer.register_forward_hook(hook)
    try:
        # Around all clips: quantizers prepare an export whenever they are put into this mode.
        with evaluating(model), torch.no_grad():
            for clip in itertools.islice(clips, MOST_CLIPS):
                with contextlib.suppress(_Reached):
                    _run(model, clip.unsqueeze(0))
    finally:
        handle.remove()


def _run(model: nn.Module, clip: Tensor) -> None:
    place = next(model.parameters())
    model(clip.to(place.device, place.dtype))
