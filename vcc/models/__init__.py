"""The networks: what they are called, how they are built, described, saved and loaded.

Names are resolved on first use, so that importing the package does not import torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vcc.models.catalog import build_model, catalog_text, list_models
    from vcc.models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
    from vcc.models.network import VideoNetwork, network_of
    from vcc.models.spec import ModelSpec, arch_name
    from vcc.models.summary import count_macs, count_parameters, describe, layer_table
    from vcc.models.weights import LoadReport, load_weights

_HOMES = {
    "build_model": "catalog",
    "catalog_text": "catalog",
    "list_models": "catalog",
    "Checkpoint": "checkpoint",
    "load_checkpoint": "checkpoint",
    "save_checkpoint": "checkpoint",
    "VideoNetwork": "network",
    "network_of": "network",
    "ModelSpec": "spec",
    "arch_name": "spec",
    "count_macs": "summary",
    "count_parameters": "summary",
    "describe": "summary",
    "layer_table": "summary",
    "LoadReport": "weights",
    "load_weights": "weights",
}

__all__ = [
    "Checkpoint",
    "LoadReport",
    "ModelSpec",
    "VideoNetwork",
    "arch_name",
    "build_model",
    "catalog_text",
    "count_macs",
    "count_parameters",
    "describe",
    "layer_table",
    "list_models",
    "load_checkpoint",
    "load_weights",
    "network_of",
    "save_checkpoint",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
