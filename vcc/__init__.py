"""Compression of 3D-CNN video classifiers: prepare, train, compress, measure, export."""

from vcc.telemetry import switch_off

# The one place: pyproject.toml, `doctor`, runs and checkpoints read it from here.
__version__ = "0.2.0"

# Before any other import: the packages look once.
switch_off()
