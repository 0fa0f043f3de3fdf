"""Options that choose a network; names and defaults are the thesis's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vcc.config.networks.family import FAMILIES, option_names
from vcc.config.networks.fields import (
    DEFAULT_FAMILY,
    dropout_help,
    family_names,
    with_family_options,
)
from vcc.config.options import Options, option


@dataclass(frozen=True, kw_only=True)
@with_family_options(after="model")
class ModelOptions(Options):
    """Which network is built. The number of classes is not here: it comes from the data.

    The options of single families (`model_depth`, ...) are fields, too.
    """

    model: str = option(DEFAULT_FAMILY, "network family", choices=family_names())
    width_mult: float = option(1.0, "factor on the channels of every layer", above=0)
    dropout: float | None = option(None, dropout_help(), at_least=0, at_most=0.99)

    def build_options(self) -> dict[str, Any]:
        """Return the options that the chosen family takes, ready for `vcc.models.build_model`."""
        chosen = {name: getattr(self, name) for name in option_names(FAMILIES.get(self.model))}
        return {name: value for name, value in chosen.items() if value is not None}
