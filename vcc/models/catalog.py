"""The catalogue: every network by name, with its options checked before it is built."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vcc.config.networks.builders import is_builder
from vcc.config.networks.family import FAMILIES, option_names
from vcc.errors import ModelError, nearest
from vcc.models.blueprint import blueprint
from vcc.models.builders.build import build_wrapped
from vcc.models.families.base import Family
from vcc.models.network import VideoNetwork
from vcc.models.spec import ModelSpec, arch_name
from vcc.models.summary import count_macs, count_parameters


def list_models() -> tuple[str, ...]:
    """Return the names that `build_model` knows, in alphabetical order."""
    return tuple(sorted(FAMILIES.names()))


def build_model(
    name: str,
    *,
    n_classes: int,
    sample_size: int = 112,
    sample_duration: int = 16,
    **options: Any,
) -> VideoNetwork:
    """Build a network with fresh weights.

    Args:
        name: a name of `list_models`, or a builder: `torchvision:NAME` or
            `python:PACKAGE.MODULE:FACTORY`.
        n_classes: number of logits.
        sample_size: height and width of the clips it is meant for, in pixels; it runs on any,
            except for c3d.
        sample_duration: frames of the clips it is meant for; the same.
        **options: the family's own, and `width_mult` and `dropout`, which all have. A builder
            takes those of `vcc.models.builders.build.build_wrapped`.

    Raises:
        ModelError: an unknown name, an option that the family does not take or a value that it
            cannot have, or clips too small for c3d; a package that is not trusted, or whose factory
            makes no classifier.
    """
    if is_builder(name):
        return build_wrapped(
            name,
            n_classes=n_classes,
            sample_size=sample_size,
            sample_duration=sample_duration,
            **{"model_args": {}, **options},
        )
    chosen = _checked(name, options)
    spec = ModelSpec(
        family=name,
        n_classes=n_classes,
        sample_size=sample_size,
        sample_duration=sample_duration,
        options=chosen.as_dict(),
    )
    return chosen.build(spec)


def family_of(name: str) -> type[Family]:
    """Return the family of a name.

    Raises:
        ModelError: nobody registered one, or it cannot build networks.
    """
    family = FAMILIES.get(name)
    if not issubclass(family, Family):
        msg = f"{name}: {family.__qualname__} is no subclass of vcc.models.families.base.Family"
        raise ModelError(msg)
    return family


def from_spec(spec: ModelSpec, *, checkpoint: Path | None = None) -> VideoNetwork:
    """Build the network that `spec` describes, with fresh weights.

    Args:
        spec: of a network.
        checkpoint: the folder it was read from, whose code is not run.

    Raises:
        ModelError: as `build_model`; or a builder's source is another one than the spec's.
    """
    where = {"checkpoint": checkpoint} if is_builder(spec.family) else {}
    return build_model(
        spec.family,
        n_classes=spec.n_classes,
        sample_size=spec.sample_size,
        sample_duration=spec.sample_duration,
        **spec.options,
        **where,
    )


def catalog_text(n_classes: int = 101) -> str:
    """Return every network at full width with its parameters and multiply-accumulates."""
    lines = [f"{'network':<18}{'parameters':>12}{'GMACs':>9}   ({n_classes} classes, 16x112x112)"]
    for name in list_models():
        for options in _variants(family_of(name)):
            with blueprint():
                model = build_model(name, n_classes=n_classes, **options)
            lines.append(
                f"{arch_name(model.spec):<18}{count_parameters(model) / 1e6:>10.2f} M"
                f"{count_macs(model) / 1e9:>9.2f}"
            )
    return "\n".join(lines)


def identify(shapes: Mapping[str, tuple[int, ...]]) -> str:
    """Return the name and options of the full-width network that weights belong to, or "".

    Args:
        shapes: state-dict name to shape; the head's number of classes does not matter.
    """
    # Building all of them takes seconds: those come first whose head the weights have.
    has_head = {
        name: f"{family_of(name).network().head_name}.weight" in shapes for name in FAMILIES
    }
    for name in sorted(FAMILIES, key=lambda name: (not has_head[name], name)):
        for options in _variants(family_of(name)):
            known, head = _layout(name, tuple(options.items()))
            if _body(known, head) == _body(shapes, head):
                chosen = ", ".join(f"{key}={value}" for key, value in options.items())
                return f"{name} ({chosen})" if chosen else name
    return ""


@functools.cache
def _layout(
    name: str, options: tuple[tuple[str, Any], ...]
) -> tuple[dict[str, tuple[int, ...]], str]:
    """Return the shapes of a full-width network and what its head's names begin with."""
    with blueprint():
        model = build_model(name, n_classes=1, **dict(options))
    shapes = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    return shapes, f"{model.head_name}."


def _body(shapes: Mapping[str, tuple[int, ...]], head: str) -> dict[str, tuple[int, ...]]:
    """Return the shapes that tell networks apart: not the head's, nor counters some files lack."""
    return {
        name: shape
        for name, shape in shapes.items()
        if not name.startswith(head) and not name.endswith(".num_batches_tracked")
    }


def _variants(family: type[Family]) -> list[dict[str, Any]]:
    """Return every combination of values of the options that have choices."""
    variants: list[dict[str, Any]] = [{}]
    for field in dataclasses.fields(family):
        if values := field.metadata["choices"]:
            variants = [{**v, field.name: value} for v in variants for value in values]
    return variants


def _checked(name: str, options: Mapping[str, Any]) -> Family:
    family = family_of(name)
    known = option_names(family)
    for option in options:
        if option not in known:
            msg = f"{name}: unknown option {option!r}: {nearest(option, known)}"
            raise ModelError(msg)
    try:
        return family(**options)
    except ModelError as error:
        msg = f"{name}: {error}"
        raise ModelError(msg) from None
