"""Compression of 3D-CNN video classifiers: prepare, train, compress, measure, export."""

from vcc.telemetry import switch_off

__version__ = "0.1.0"

# Before any other import: the packages look once.
switch_off()
