"""The compression engine: Distiller's schedule dialect on any `nn.Module`, 2-D or 3-D.

`load_schedule` reads and checks a file; `file_config` binds it to a network and an optimizer and
returns the `CompressionScheduler` that a training loop drives. Public names load on first use, so
that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vcc.compression.builder import file_config
    from vcc.compression.callback import CompressionCallback
    from vcc.compression.driver import run_phases
    from vcc.compression.loader import load_schedule
    from vcc.compression.phases import Phase, compile_phases, last_epoch
    from vcc.compression.schedule import Schedule
    from vcc.compression.scheduler import CompressionScheduler
    from vcc.compression.shipped import default_schedule
    from vcc.compression.sparsity import sparsity_table, total_sparsity

_HOME = {
    "CompressionCallback": "callback",
    "CompressionScheduler": "scheduler",
    "Phase": "phases",
    "Schedule": "schedule",
    "compile_phases": "phases",
    "default_schedule": "shipped",
    "file_config": "builder",
    "last_epoch": "phases",
    "load_schedule": "loader",
    "run_phases": "driver",
    "sparsity_table": "sparsity",
    "total_sparsity": "sparsity",
}

__all__ = [
    "CompressionCallback",
    "CompressionScheduler",
    "Phase",
    "Schedule",
    "compile_phases",
    "default_schedule",
    "file_config",
    "last_epoch",
    "load_schedule",
    "run_phases",
    "sparsity_table",
    "total_sparsity",
]


def __getattr__(name: str) -> Any:
    """Import the module that holds a public name when it is first asked for."""
    if name not in _HOME:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
