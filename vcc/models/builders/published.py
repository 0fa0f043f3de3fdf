"""torchvision's video networks: how they are built, and what their published weights were given."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vcc.config.networks.builders import TORCHVISION, Builder, read_builder
from vcc.errors import ModelError, nearest, one_line

_logger = logging.getLogger(__name__)

# The arguments that change a network: those that download or count are not for checkpoints to set.
_ARGUMENTS = {
    "r3d_18": ("zero_init_residual",),
    "mc3_18": ("zero_init_residual",),
    "r2plus1d_18": ("zero_init_residual",),
    "s3d": ("dropout",),
}
_HEADS = {"s3d": "classifier.1"}


@dataclass(frozen=True)
class PublishedWeights:
    """One file of published weights, with what it was trained on.

    Attributes:
        name: of torchvision's enumeration, such as `KINETICS400_V1`.
        url: of its file.
        mean: per RGB channel, of pixels 0..1.
        std: the same.
        sample_size: height and width of its clips, pixels.
        labels: class names in the order of the logits.
    """

    name: str
    url: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    sample_size: int
    labels: tuple[str, ...]


def make_published(builder: Builder, n_classes: int, arguments: Mapping[str, Any]) -> nn.Module:
    """Return a network of torchvision's with fresh weights.

    Raises:
        ModelError: it does not take these arguments.
    """
    known = _ARGUMENTS[builder.factory]
    for name in arguments:
        if name not in known:
            msg = f"{builder.factory}: unknown argument {name!r}: {nearest(name, known)}"
            raise ModelError(msg)
    made: nn.Module = getattr(_zoo().video, builder.factory)(num_classes=n_classes, **arguments)
    return made


def published_head(builder: Builder) -> str:
    """Return the name of the classifier of a network of torchvision's."""
    return _HEADS.get(builder.factory, "fc")


def published_weights(model: str) -> tuple[PublishedWeights, ...]:
    """Return the published weights of a network, none unless `model` is torchvision's."""
    if not model.startswith(f"{TORCHVISION}:"):
        return ()
    members = _zoo().get_model_weights(read_builder(model).factory)
    return tuple(_read(member) for member in members)


def fetch_published(model: str, name: str) -> Path:
    """Return the file of published weights, downloaded unless it is in torch's cache already.

    Args:
        model: `torchvision:NAME`.
        name: a name of the weights' enumeration, with or without the enumeration's own before it;
            `DEFAULT` is the first.

    Raises:
        ModelError: no weights have that name, or they cannot be downloaded.
    """
    known = {weights.name: weights for weights in published_weights(model)}
    wanted = name.rpartition(".")[2]
    if wanted == "DEFAULT" and known:
        wanted = next(iter(known))
    if wanted not in known:
        hint = nearest(wanted, known)
        msg = f"{name}: there is no such file, and no published weights of {model}: {hint}"
        raise ModelError(msg)
    url = known[wanted].url
    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(url).name
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    _logger.info("downloading %s", url)
    try:
        # The last part of the file's name is the start of its SHA-256.
        digest = path.stem.rpartition("-")[2]
        torch.hub.download_url_to_file(url, str(path), hash_prefix=digest, progress=False)
    except (OSError, RuntimeError) as error:
        reason = one_line(error, at_most=200)
        msg = f"{url} cannot be downloaded ({reason}): fetch it elsewhere, give pretrain_path=FILE"
        raise ModelError(msg) from error
    return path


def _zoo() -> Any:
    # Imported where it is used: it takes a second.
    return importlib.import_module("torchvision.models")


def _read(member: Any) -> PublishedWeights:
    transforms = member.transforms()
    return PublishedWeights(
        name=str(member.name),
        url=str(member.url),
        mean=tuple(transforms.mean),
        std=tuple(transforms.std),
        sample_size=int(transforms.crop_size[0]),
        labels=tuple(member.meta["categories"]),
    )
