"""Which layers of a network train when it starts from given weights."""

from __future__ import annotations

import logging

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from vcc.errors import ConfigError, nearest
from vcc.models.network import VideoNetwork

_logger = logging.getLogger(__name__)
_FROM = "from:"


def choose_trained(network: VideoNetwork, portion: str) -> None:
    """Leave a gradient only to the parameters that a fine-tuning portion names.

    Args:
        network: changed in place.
        portion: "complete"; "last_layer", the head; or "from:LAYER", the layer of that dotted name
            and all that the network defines after it.

    Raises:
        ConfigError: another word, or no layer of that name with parameters.
    """
    names = [name for name, _ in network.named_parameters()]
    trained = set(_trained(network, portion, names))
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name in trained)
    if len(trained) < len(names):
        _logger.info("ft_portion=%s: %d of %d tensors train", portion, len(trained), len(names))


def freeze_statistics(model: nn.Module) -> None:
    """Put the BatchNorms without a trained parameter into evaluation mode.

    Otherwise their running statistics drift, and the frozen layers change after all.
    """
    for module in model.modules():
        own = list(module.parameters(recurse=False))
        frozen = bool(own) and not any(parameter.requires_grad for parameter in own)
        if isinstance(module, _BatchNorm) and frozen:
            module.eval()


def _trained(network: VideoNetwork, portion: str, names: list[str]) -> list[str]:
    if portion == "complete":
        return names
    if portion == "last_layer":
        # By its name: others' networks may define it before what it reads.
        return [name for name in names if name.startswith(f"{network.head_name}.")]
    if portion.startswith(_FROM):
        layer = portion.removeprefix(_FROM)
    else:
        msg = f"ft_portion: {portion!r} is not complete, last_layer or from:LAYER"
        raise ConfigError(msg)
    for number, name in enumerate(names):
        if name.startswith(f"{layer}."):
            return names[number:]
    known = [name for name, _ in network.named_modules() if name]
    msg = f"ft_portion: no layer {layer!r} with parameters: {nearest(layer, known)}"
    raise ConfigError(msg)
