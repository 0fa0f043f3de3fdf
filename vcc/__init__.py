"""Compression of 3D-CNN video classifiers: prepare, train, compress, measure, export."""

__version__ = "0.1.0"
