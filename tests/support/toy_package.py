"""The package of `toy_parts`, as pip would install it, and a schedule that uses its parts.

Apart from the parts: whoever imports those has them registered.
"""

from __future__ import annotations

from pathlib import Path

ENTRY_POINTS = """
[vcc.pruners]
toys = toy_parts
[vcc.regularizers]
toys = toy_parts
[vcc.quantizers]
toys = toy_parts
[vcc.policies]
toys = toy_parts
"""
SCHEDULE = """
pruners: {first: {class: ToyFirstFilters, n_filters: 1, weights: [conv1.weight]}}
regularizers: {one: {class: ToyTowardsOne, strengths: {fc.weight: 0.5}}}
quantizers: {linear: {class: ToyLinearQuantizer, bits_activations: 4}}
toys: {frozen: {class: ToyFreezer, weights: [fc.bias]}}
policies:
  - {pruner: {instance_name: first}, epochs: [0]}
  - {regularizer: {instance_name: one}, epochs: [0]}
  - {quantizer: {instance_name: linear}, epochs: [0]}
  - {toy: {instance_name: frozen}, epochs: [0]}
"""


def install(folder: Path) -> None:
    """Write what pip would: the package's metadata, with its entry points."""
    info = folder / "toy_parts-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-parts\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
