"""How a network was asked for: the record that it carries and that a checkpoint writes down."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from vcc.config.networks.short_names import short_name
from vcc.errors import ModelError


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """The arguments of `build_model`, with every option filled in.

    Attributes:
        family: a name of `list_models`.
        n_classes: number of logits.
        sample_size: height and width of a clip, in pixels.
        sample_duration: frames of a clip.
        options: the family's own options, such as `model_depth`.
    """

    family: str
    n_classes: int
    sample_size: int = 112
    sample_duration: int = 16
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("n_classes", "sample_size", "sample_duration"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                msg = f"{name}: {value!r} is not a whole number of at least 1"
                raise ModelError(msg)

    @property
    def clip_shape(self) -> tuple[int, int, int, int]:
        """The shape [3,T,H,W] of one clip."""
        return (3, self.sample_duration, self.sample_size, self.sample_size)

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON types only."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {**fields, "options": dict(self.options)}


def arch_name(spec: ModelSpec) -> str:
    """Return the short name with its options spelled out, as registered models carry it.

    The family's own options follow its name as they are declared to: `resnet18a`, `csn50ip`,
    `resnext50b-c16`, `squeezenet-v1.1`. The width comes last, always where networks go by it
    (`mobilenetv2-1.0`), else where it is not 1 (`resnet18b-0.5`). The number of classes and the
    clip size are not part of it.

    Raises:
        ModelError: nobody registered the family.
    """
    return short_name(spec.family, spec.options)
