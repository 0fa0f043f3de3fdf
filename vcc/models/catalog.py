"""The catalogue: every network by name, with its options checked before it is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from vcc.config.model import FAMILY_OPTIONS
from vcc.errors import ModelError, nearest
from vcc.models.blueprint import blueprint
from vcc.models.families import (
    c3d,
    csn,
    mobilenet,
    mobilenetv2,
    resnet,
    resnext,
    shufflenet,
    shufflenetv2,
    squeezenet,
)
from vcc.models.network import VideoNetwork
from vcc.models.spec import USUAL_CARDINALITY, ModelSpec, arch_name
from vcc.models.summary import count_macs, count_parameters


@dataclass(frozen=True)
class Family:
    """One kind of network: how it is built, its defaults and the values its options may have."""

    build: Callable[..., VideoNetwork]
    defaults: Mapping[str, Any]
    choices: Mapping[str, tuple[Any, ...]]


_FAMILIES = {
    "c3d": Family(c3d.C3D, {"width_mult": 1.0, "dropout": 0.5}, {}),
    "csn": Family(
        csn.CSN,
        {"model_depth": 50, "model_type": "ip", "width_mult": 1.0, "dropout": 0.0},
        {"model_depth": tuple(csn.BLOCKS), "model_type": ("ip", "ir")},
    ),
    "mobilenet": Family(mobilenet.MobileNet, {"width_mult": 1.0, "dropout": 0.2}, {}),
    "mobilenetv2": Family(mobilenetv2.MobileNetV2, {"width_mult": 1.0, "dropout": 0.2}, {}),
    "resnet": Family(
        resnet.ResNet,
        {"model_depth": 18, "resnet_shortcut": "B", "width_mult": 1.0, "dropout": 0.0},
        {"model_depth": tuple(resnet.BLOCKS), "resnet_shortcut": ("A", "B")},
    ),
    "resnext": Family(
        resnext.ResNeXt,
        {
            "model_depth": 50,
            "resnet_shortcut": "B",
            "resnext_cardinality": USUAL_CARDINALITY,
            "width_mult": 1.0,
            "dropout": 0.0,
        },
        {"model_depth": tuple(resnext.BLOCKS), "resnet_shortcut": ("A", "B")},
    ),
    "shufflenet": Family(
        shufflenet.ShuffleNet,
        {"groups": 3, "width_mult": 1.0, "dropout": 0.2},
        {"groups": tuple(shufflenet.STAGE_WIDTHS)},
    ),
    "shufflenetv2": Family(
        shufflenetv2.ShuffleNetV2,
        {"width_mult": 1.0, "dropout": 0.2},
        {"width_mult": tuple(shufflenetv2.WIDTHS)},
    ),
    "squeezenet": Family(
        squeezenet.SqueezeNet,
        {"version": 1.1, "width_mult": 1.0, "dropout": 0.5},
        {"version": tuple(squeezenet.STEMS)},
    ),
}


def list_models() -> tuple[str, ...]:
    """Return the names that `build_model` knows, in alphabetical order."""
    return tuple(sorted(_FAMILIES))


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
        name: a name of `list_models`.
        n_classes: number of logits.
        sample_size: height and width of the clips it is meant for, in pixels; it runs on any,
            except for c3d.
        sample_duration: frames of the clips it is meant for; the same.
        **options: the family's own: `model_depth` and `resnet_shortcut` (resnet, resnext),
            `resnext_cardinality` (resnext), `model_depth` and `model_type` (csn), `groups`
            (shufflenet), `version` (squeezenet); `width_mult` and `dropout` (all).

    Raises:
        ModelError: an unknown name, an option that the family does not take or a value that it
            cannot have, or clips too small for c3d.
    """
    if name not in _FAMILIES:
        msg = f"unknown model {name!r}: {nearest(name, _FAMILIES)}"
        raise ModelError(msg)
    family = _FAMILIES[name]
    chosen = {**family.defaults, **options}
    _check_options(name, family, chosen)
    spec = ModelSpec(
        family=name,
        n_classes=n_classes,
        sample_size=sample_size,
        sample_duration=sample_duration,
        options=chosen,
    )
    return family.build(spec, **chosen)


def from_spec(spec: ModelSpec) -> VideoNetwork:
    """Build the network that `spec` describes, with fresh weights."""
    return build_model(
        spec.family,
        n_classes=spec.n_classes,
        sample_size=spec.sample_size,
        sample_duration=spec.sample_duration,
        **spec.options,
    )


def catalog_text(n_classes: int = 101) -> str:
    """Return every network at full width with its parameters and multiply-accumulates."""
    lines = [f"{'network':<18}{'parameters':>12}{'GMACs':>9}   ({n_classes} classes, 16x112x112)"]
    for name in list_models():
        for options in _variants(_FAMILIES[name]):
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
        name: f"{family.build.head_name}.weight" in shapes  # type: ignore[attr-defined]
        for name, family in _FAMILIES.items()
    }
    for name in sorted(_FAMILIES, key=lambda name: (not has_head[name], name)):
        for options in _variants(_FAMILIES[name]):
            with blueprint():
                model = build_model(name, n_classes=1, **options)
            head = f"{model.head_name}."
            known = {key: tuple(value.shape) for key, value in model.state_dict().items()}
            if _body(known, head) == _body(shapes, head):
                chosen = ", ".join(f"{key}={value}" for key, value in options.items())
                return f"{name} ({chosen})" if chosen else name
    return ""


def _body(shapes: Mapping[str, tuple[int, ...]], head: str) -> dict[str, tuple[int, ...]]:
    """Return the shapes that tell networks apart: not the head's, nor counters some files lack."""
    return {
        name: shape
        for name, shape in shapes.items()
        if not name.startswith(head) and not name.endswith(".num_batches_tracked")
    }


def _variants(family: Family) -> list[dict[str, Any]]:
    variants: list[dict[str, Any]] = [{}]
    for option, values in family.choices.items():
        variants = [{**variant, option: value} for variant in variants for value in values]
    return variants


def _check_options(name: str, family: Family, options: Mapping[str, Any]) -> None:
    for option, value in options.items():
        if option not in FAMILY_OPTIONS[name]:
            msg = f"{name}: unknown option {option!r}: {nearest(option, FAMILY_OPTIONS[name])}"
            raise ModelError(msg)
        choices = family.choices.get(option, ())
        if choices and value not in choices:
            msg = f"{name}: {option} {value!r} is not one of {', '.join(map(str, choices))}"
            raise ModelError(msg)
    cardinality = options.get("resnext_cardinality", USUAL_CARDINALITY)
    if isinstance(cardinality, bool) or not isinstance(cardinality, int) or cardinality < 1:
        msg = f"{name}: resnext_cardinality {cardinality!r} is not a whole number of at least 1"
        raise ModelError(msg)
    _check_number(name, "width_mult", options["width_mult"], low=1 / 16, high=16)
    _check_number(name, "dropout", options["dropout"], low=0, high=0.99)


def _check_number(name: str, option: str, value: Any, *, low: float, high: float) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:
        msg = f"{name}: {option} {value!r} is not a number between {low:g} and {high:g}"
        raise ModelError(msg)
