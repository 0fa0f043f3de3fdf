"""Networks that are not families of ours, by name: whose code builds them, and with what.

`torchvision:NAME` is one of torchvision's video networks, `python:PACKAGE.MODULE:FACTORY` whatever
a callable of an installed package returns. Only their names are read here: nothing is imported.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vcc.errors import ModelError, nearest, printable

TORCHVISION = "torchvision"
PYTHON = "python"
TORCHVISION_NETWORKS = ("r3d_18", "mc3_18", "r2plus1d_18", "s3d")

_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
_FACTORY = re.compile(r"[A-Za-z_]\w*", re.ASCII)
# Characters that names of registered models and of files can have.
_PLAIN = re.compile(r"[\w.]+", re.ASCII)
_LONGEST_SPELLING = 40


@dataclass(frozen=True)
class Builder:
    """Who builds a network.

    Attributes:
        kind: TORCHVISION or PYTHON.
        module: dotted name of the factory's module.
        factory: its name there.
    """

    kind: str
    module: str
    factory: str

    @property
    def package(self) -> str:
        """The top-level package, the one that is trusted or not."""
        return self.module.partition(".")[0]

    @property
    def name(self) -> str:
        """What the short names of its networks begin with."""
        if self.kind == TORCHVISION:
            return f"torchvision-{self.factory}"
        return f"{self.module}.{self.factory}"


def is_builder(model: str) -> bool:
    """Return whether `model` names a builder, whether or not it exists, and no family."""
    return ":" in model


def read_builder(model: str) -> Builder:
    """Return the builder that a name means.

    Raises:
        ModelError: it is neither `torchvision:NAME` nor `python:PACKAGE.MODULE:FACTORY`.
    """
    kind, _, rest = model.partition(":")
    if kind == TORCHVISION:
        if rest not in TORCHVISION_NETWORKS:
            close = nearest(rest, TORCHVISION_NETWORKS)
            msg = f"model: torchvision has no video network {printable(rest)!r} known here: {close}"
            raise ModelError(msg)
        return Builder(TORCHVISION, "torchvision.models.video", rest)
    module, _, factory = rest.partition(":")
    if kind != PYTHON or not _MODULE.fullmatch(module) or not _FACTORY.fullmatch(factory):
        msg = (
            f"model: {printable(model)!r} is neither a family nor torchvision:NAME nor "
            "python:PACKAGE.MODULE:FACTORY"
        )
        raise ModelError(msg)
    return Builder(PYTHON, module, factory)


def builder_name(model: str, arguments: Mapping[str, Any]) -> str:
    """Return the short name of a builder's network, such as `my_package.nets.make-depth18`.

    Arguments that are long, or no plain numbers and words, are told apart by a digest of eight
    digits.

    Raises:
        ModelError: `model` names no builder.
    """
    start = read_builder(model).name
    if not arguments:
        return start
    spelled = "-".join(f"{name}{_text(value)}" for name, value in sorted(arguments.items()))
    plain = all(_PLAIN.fullmatch(_text(value)) for value in arguments.values())
    if plain and len(spelled) <= _LONGEST_SPELLING:
        return f"{start}-{spelled}"
    canonical = json.dumps(dict(arguments), sort_keys=True)
    return f"{start}-{hashlib.sha256(canonical.encode()).hexdigest()[:8]}"


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
