"""Gives a built network other clips: the figure of its spec, where its layers allow another one."""

from __future__ import annotations

import dataclasses

from torch import nn

from vcc.config.networks.builders import is_builder
from vcc.errors import ModelError, one_line
from vcc.models.blueprint import blueprint
from vcc.models.catalog import from_spec
from vcc.models.network import VideoNetwork, network_of
from vcc.models.spec import ModelSpec, arch_name
from vcc.models.summary import count_macs


def set_clip_size(model: nn.Module, *, sample_size: int, sample_duration: int) -> None:
    """Tell a network that its clips are of another size or duration; its weights stay.

    Args:
        model: a network of this package, compressed or not, or one inside a wrapper.
        sample_size: height and width in pixels.
        sample_duration: frames.

    Raises:
        ModelError: a layer of it is made for the size it has, or the clip is too small for it; the
            network is as it was.
    """
    network = network_of(model)
    spec = dataclasses.replace(
        network.spec, sample_size=sample_size, sample_duration=sample_duration
    )
    if spec == network.spec:
        return
    _check_layers(network.spec, spec)
    _check_pass(network, spec)
    network.spec = spec


def _check_layers(own: ModelSpec, wanted: ModelSpec) -> None:
    """Refuse a size that another network would have to be built for."""
    if is_builder(own.family):
        return  # the builder was told no size
    with blueprint():
        shapes = [
            {name: tensor.shape for name, tensor in from_spec(spec).state_dict().items()}
            for spec in (own, wanted)
        ]
    differing = [name for name, shape in shapes[0].items() if shapes[1].get(name) != shape]
    if differing:
        msg = (
            f"{arch_name(own)} takes clips of {_text(own)} only: {differing[0]} would have other "
            f"weights for {_text(wanted)}: train it anew for those"
        )
        raise ModelError(msg)


def _check_pass(network: VideoNetwork, wanted: ModelSpec) -> None:
    try:
        # On the meta device: shapes alone.
        count_macs(network, wanted.sample_size, wanted.sample_duration)
    except (RuntimeError, ValueError) as error:
        msg = (
            f"{arch_name(wanted)} cannot take clips of {_text(wanted)} ({one_line(error)}): choose "
            "a larger sample_size or sample_duration"
        )
        raise ModelError(msg) from error


def _text(spec: ModelSpec) -> str:
    return f"{spec.sample_duration}x{spec.sample_size}x{spec.sample_size}"
