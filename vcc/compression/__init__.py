"""The compression engine: Distiller's schedule dialect on any `nn.Module`, 2-D or 3-D.

`load_schedule` reads and checks a file; `file_config` binds it to a network and an optimizer and
returns the `CompressionScheduler` that a training loop drives. Public names load on first use, so
that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vcc.compression.engine.builder import file_config
    from vcc.compression.engine.callback import CompressionCallback
    from vcc.compression.engine.driver import run_phases
    from vcc.compression.engine.scheduler import CompressionScheduler
    from vcc.compression.masks.sparsity import sparsity_table, total_sparsity
    from vcc.compression.schedule.loader import load_schedule
    from vcc.compression.schedule.phases import Phase, compile_phases, last_epoch
    from vcc.compression.schedule.schedule import Schedule
    from vcc.compression.schedule.shipped import default_schedule

_HOME = {
    "CompressionCallback": "engine.callback",
    "CompressionScheduler": "engine.scheduler",
    "Phase": "schedule.phases",
    "Schedule": "schedule.schedule",
    "compile_phases": "schedule.phases",
    "default_schedule": "schedule.shipped",
    "file_config": "engine.builder",
    "last_epoch": "schedule.phases",
    "load_schedule": "schedule.loader",
    "run_phases": "engine.driver",
    "sparsity_table": "masks.sparsity",
    "total_sparsity": "masks.sparsity",
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
