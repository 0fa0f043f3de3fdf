"""The classifier of a network that says nothing about itself: found by running it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from vcc.errors import ModelError, nearest, one_line
from vcc.models.modes import evaluating


def find_head(model: nn.Module, clip_shape: tuple[int, int, int, int], n_classes: int) -> str:
    """Return the name of the layer whose output is the logits.

    That is decided by running: of all linear layers and 1x1x1 convolutions with an output per
    class it is the one where adding something to its output adds the same to the logits. A mean
    over time and space between the two is no hindrance.

    Args:
        model: the network; its mode stays.
        clip_shape: [3,T,H,W] of its clips.
        n_classes: number of logits.

    Raises:
        ModelError: it does not run, or returns no logits; no layer or several are the head.
    """
    clip = torch.randn(1, *clip_shape, generator=torch.Generator().manual_seed(0))
    logits = run_checked(model, clip, n_classes)
    layers = [name for name, module in model.named_modules() if _n_outputs(module) == n_classes]
    heads: list[str] = [name for name in layers if _moves_logits(model, name, clip, logits)]
    if len(heads) == 1:
        return heads[0]
    why = f"{len(heads)} layers are ({', '.join(heads)})" if heads else "no layer's output is"
    msg = (
        f"which layer gives the {n_classes} logits? {why}: name it by head=LAYER "
        "(a linear layer or a 1x1x1 convolution)"
    )
    raise ModelError(msg)


def check_head(model: nn.Module, name: str, n_classes: int) -> str:
    """Return the name of a head that somebody else named.

    Raises:
        ModelError: it is no layer of the network, or none with an output per class.
    """
    modules = dict(model.named_modules())
    if name not in modules or not name:
        msg = f"head: the network has no layer {name!r}: {nearest(name, filter(None, modules))}"
        raise ModelError(msg)
    if _n_outputs(modules[name]) != n_classes:
        msg = (
            f"head: {name} is a {type(modules[name]).__name__}: it must be a linear layer or a "
            f"1x1x1 convolution with {n_classes} outputs"
        )
        raise ModelError(msg)
    return name


def run_checked(model: nn.Module, clips: Tensor, n_classes: int) -> Tensor:
    """Return the logits [N,n_classes] of clips [N,3,T,H,W], in evaluation mode.

    Every module is in its own mode again afterwards.

    Raises:
        ModelError: the network does not run on them, or returns something else.
    """
    shape = "x".join(map(str, clips.shape))
    try:
        with evaluating(model), torch.no_grad():
            found: Any = model(clips.clone())
    except Exception as error:  # whatever a network raises
        reason = one_line(error, at_most=200)
        msg = (
            f"the network does not run on clips {shape} ({reason}): choose another sample_size or "
            "sample_duration, or other model_args"
        )
        raise ModelError(msg) from error
    wanted = (len(clips), n_classes)
    if not isinstance(found, Tensor) or found.shape != wanted:
        what = f"{list(found.shape)}" if isinstance(found, Tensor) else f"a {type(found).__name__}"
        msg = f"the network returns {what} for clips {shape}: it must return logits {list(wanted)}"
        raise ModelError(msg)
    return found


def _n_outputs(module: nn.Module) -> int | None:
    """Return the outputs of what can be a head, None for other layers."""
    if isinstance(module, nn.Linear):
        return module.out_features
    if isinstance(module, _ConvNd) and all(size == 1 for size in module.kernel_size):
        return module.out_channels
    return None


def _moves_logits(model: nn.Module, name: str, clip: Tensor, logits: Tensor) -> bool:
    layer = model.get_submodule(name)
    # Another step for each class, of the logits' own size.
    reach = max(float(logits.abs().max()), 1.0)
    step = torch.linspace(0.5, 1.5, logits.shape[1]) * reach

    def add(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
        along = -1 if isinstance(layer, nn.Linear) else 1
        shape = [1] * output.dim()
        shape[along] = len(step)
        return output + step.view(shape)

    handle = layer.register_forward_hook(add)
    try:
        moved = run_checked(model, clip, logits.shape[1])
    finally:
        handle.remove()
    return torch.allclose(moved, logits + step, rtol=0, atol=1e-3 * reach)
