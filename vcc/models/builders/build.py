"""Builds the networks of builders: of torchvision, and of packages that the user trusts."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from vcc.config.networks.builders import TORCHVISION, Builder, read_builder
from vcc.errors import ModelError, one_line
from vcc.models.builders.head import check_head, find_head
from vcc.models.builders.packages import (
    check_source,
    find_factory,
    require_trust,
    source_digests,
)
from vcc.models.builders.published import make_published, published_head
from vcc.models.builders.wrapped import WrappedNetwork
from vcc.models.spec import ModelSpec


def build_wrapped(  # noqa: PLR0913 - one keyword per fact that a spec records
    model: str,
    *,
    n_classes: int,
    sample_size: int,
    sample_duration: int,
    model_args: Mapping[str, Any],
    classes_arg: str | None = None,
    head: str | None = None,
    source: Mapping[str, str] | None = None,
    checkpoint: Path | None = None,
) -> WrappedNetwork:
    """Build a network with fresh weights; its spec says how to build the same one again.

    Args:
        model: `torchvision:NAME` or `python:PACKAGE.MODULE:FACTORY`.
        n_classes: number of logits.
        sample_size: height and width of its clips, in pixels.
        sample_duration: frames of its clips.
        model_args: the factory's arguments by name, JSON types.
        classes_arg: the argument that takes `n_classes`; None: `n_classes`.
        head: name of its classifier; None: it is found.
        source: digests of the source that must build it; None: any may.
        checkpoint: the folder that asks for it; None: the user does.

    Raises:
        ModelError: the builder is unknown, not trusted or changed, its factory fails, or what it
            returns is no classifier of such clips.
    """
    builder = read_builder(model)
    _check_arguments(model_args)
    if builder.kind == TORCHVISION:
        made = _from_torchvision(builder, n_classes, model_args, classes_arg=classes_arg)
        head = head or published_head(builder)
    else:
        made = _from_package(
            builder,
            n_classes,
            model_args,
            classes_arg=classes_arg or "n_classes",
            source=source,
            checkpoint=checkpoint,
        )
    spec = ModelSpec(
        family=model,
        n_classes=n_classes,
        sample_size=sample_size,
        sample_duration=sample_duration,
    )
    if head is None:
        head = find_head(made.network, spec.clip_shape, n_classes)
    options = {
        "model_args": dict(model_args),
        "classes_arg": made.classes_arg,
        "head": check_head(made.network, head, n_classes),
        "source": made.source,
    }
    spec = ModelSpec(**{**spec.as_dict(), "options": options})
    return WrappedNetwork(spec, made.network, head_name=head)


@dataclass(frozen=True)
class _Made:
    """What a builder made, the argument that took its number of classes, and its source."""

    network: nn.Module
    classes_arg: str
    source: Mapping[str, str]


def _from_torchvision(
    builder: Builder, n_classes: int, arguments: Mapping[str, Any], *, classes_arg: str | None
) -> _Made:
    if classes_arg not in (None, "num_classes"):
        msg = "classes_arg: torchvision's networks have num_classes: leave it out"
        raise ModelError(msg)
    return _Made(make_published(builder, n_classes, arguments), "num_classes", {})


def _from_package(
    builder: Builder,
    n_classes: int,
    arguments: Mapping[str, Any],
    *,
    classes_arg: str,
    source: Mapping[str, str] | None,
    checkpoint: Path | None,
) -> _Made:
    if classes_arg in arguments:
        msg = f"model_args: {classes_arg} is the number of classes, which the data say"
        raise ModelError(msg)
    require_trust(builder, checkpoint=checkpoint)
    if checkpoint is not None and not source:
        msg = "the architecture has no digest of the source that built it: save it anew"
        raise ModelError(msg)
    if source is not None:
        check_source(builder, source)
    factory = find_factory(builder)
    network = _called(builder, factory, {classes_arg: n_classes, **arguments})
    digests = source_digests(builder, factory, network)
    if source is not None and digests != dict(source):
        msg = (
            f"{builder.name} was built by {', '.join(sorted(source))} and is now by "
            f"{', '.join(digests)}: install the version of {builder.package} of then"
        )
        raise ModelError(msg)
    return _Made(network, classes_arg, digests)


def _check_arguments(arguments: Mapping[str, Any]) -> None:
    try:
        same = json.loads(json.dumps(dict(arguments), allow_nan=False)) == dict(arguments)
    except (TypeError, ValueError):
        same = False
    if not same:
        msg = f"model_args: {dict(arguments)!r} must be JSON types: a checkpoint records them"
        raise ModelError(msg)


def _called(builder: Builder, factory: Any, arguments: Mapping[str, Any]) -> nn.Module:
    name = f"{builder.module}:{builder.factory}"
    try:
        signature = inspect.signature(factory)
    except (TypeError, ValueError):
        signature = None
    if signature is not None:
        try:
            signature.bind(**arguments)
        except TypeError as error:
            msg = (
                f"{name}: {error}: it takes {signature}; set classes_arg to the name of its number "
                "of classes, model_args to the others"
            )
            raise ModelError(msg) from None
    try:
        made = factory(**arguments)
    except Exception as error:  # whatever somebody else's code raises
        reason = one_line(error, at_most=200)
        msg = f"{name} fails with {json.dumps(dict(arguments))}: {type(error).__name__}: {reason}"
        raise ModelError(msg) from error
    if not isinstance(made, nn.Module):
        msg = f"{name} returns a {type(made).__name__}: it must return a torch.nn.Module"
        raise ModelError(msg)
    _refuse_hooked_norms(name, made)
    return made


def _refuse_hooked_norms(factory: str, network: nn.Module) -> None:
    """Refuse weights that a hook computes anew: PyTorch cannot copy such a network."""
    for name, module in network.named_modules():
        for hook in module._forward_pre_hooks.values():
            if isinstance(hook, WeightNorm | SpectralNorm):
                kind = "weight_norm" if isinstance(hook, WeightNorm) else "spectral_norm"
                msg = (
                    f"{factory}: {name} has torch.nn.utils.{kind}, with which a network cannot be "
                    f"copied: take torch.nn.utils.parametrizations.{kind}"
                )
                raise ModelError(msg)
