"""Options that choose a network; names and defaults are the thesis's, where it has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vcc.config.networks.arguments import BuilderOptions, known_model, refuse_builder_options
from vcc.config.networks.builders import is_builder
from vcc.config.networks.family import FAMILIES, option_names
from vcc.config.networks.fields import (
    DEFAULT_FAMILY,
    dropout_help,
    family_names,
    with_family_options,
)
from vcc.config.options import option


@dataclass(frozen=True, kw_only=True)
@with_family_options(after="model")
class ModelOptions(BuilderOptions):
    """Which network is built. The number of classes is not here: it comes from the data.

    The options of single families (`model_depth`, ...) are fields, too.
    """

    model: str = option(
        DEFAULT_FAMILY,
        f"network family ({', '.join(family_names())}), torchvision:NAME or "
        "python:PACKAGE.MODULE:FACTORY",
    )
    width_mult: float = option(1.0, "factor on the channels of every layer", above=0)
    dropout: float | None = option(None, dropout_help(), at_least=0, at_most=0.99)

    classes_arg: str | None = option(
        None, "python: the factory's argument that takes the number of classes; default: n_classes"
    )
    head: str | None = option(
        None, "python: name of the layer that gives the logits; default: found by running"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        known_model(self.model, family_names())
        if not is_builder(self.model):
            refuse_builder_options(self, ("model_args", "classes_arg", "head"))

    def build_options(self) -> dict[str, Any]:
        """Return the options that the chosen network takes, ready for `vcc.models.build_model`."""
        if is_builder(self.model):
            given = {"classes_arg": self.classes_arg, "head": self.head}
            return {"model_args": self.arguments(), **given}
        chosen = {name: getattr(self, name) for name in option_names(FAMILIES.get(self.model))}
        return {name: value for name, value in chosen.items() if value is not None}
