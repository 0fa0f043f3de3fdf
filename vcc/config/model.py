"""Options that choose a network; names and defaults are the thesis's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vcc.config.options import Options, option

# The options that each family understands; the catalogue's builders take exactly these.
FAMILY_OPTIONS: dict[str, tuple[str, ...]] = {
    "c3d": ("width_mult", "dropout"),
    "csn": ("model_depth", "model_type", "width_mult", "dropout"),
    "mobilenet": ("width_mult", "dropout"),
    "mobilenetv2": ("width_mult", "dropout"),
    "resnet": ("model_depth", "resnet_shortcut", "width_mult", "dropout"),
    "resnext": (
        "model_depth",
        "resnet_shortcut",
        "resnext_cardinality",
        "width_mult",
        "dropout",
    ),
    "shufflenet": ("groups", "width_mult", "dropout"),
    "shufflenetv2": ("width_mult", "dropout"),
    "squeezenet": ("version", "width_mult", "dropout"),
}

# What the published networks come in.
SHUFFLENET_GROUPS = (1, 2, 3, 4, 8)
SQUEEZENET_VERSIONS = (1.0, 1.1)


@dataclass(frozen=True, kw_only=True)
class ModelOptions(Options):
    """Which network is built. The number of classes is not here: it comes from the data."""

    model: str = option("resnet", "network family", choices=tuple(FAMILY_OPTIONS))
    model_depth: int = option(18, "resnet, resnext, csn: number of layers", at_least=1)
    resnet_shortcut: str = option(
        "B", "resnet, resnext: zero padding (A) or 1x1x1 convolution (B)", choices=("A", "B")
    )
    resnext_cardinality: int = option(
        32, "resnext: groups of the middle convolution of a block", at_least=1
    )
    groups: int = option(
        3, "shufflenet: groups of the pointwise convolutions", choices=SHUFFLENET_GROUPS
    )
    version: float = option(1.1, "squeezenet: its release", choices=SQUEEZENET_VERSIONS)
    width_mult: float = option(1.0, "factor on the channels of every layer", above=0)
    model_type: str = option(
        "ip", "csn: interaction preserved (ip) or reduced (ir)", choices=("ip", "ir")
    )
    dropout: float | None = option(
        None,
        "share of the head's inputs dropped in training; not set: 0.5 for c3d and squeezenet, 0.2 "
        "for mobilenets and shufflenets, else 0",
        at_least=0,
        at_most=0.99,
    )

    def build_options(self) -> dict[str, Any]:
        """Return the options that the chosen family takes, ready for `vcc.models.build_model`."""
        chosen = {name: getattr(self, name) for name in FAMILY_OPTIONS[self.model]}
        return {name: value for name, value in chosen.items() if value is not None}
