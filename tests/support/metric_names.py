"""Which names of figures are listed."""

from __future__ import annotations

import re

from vcc.config.metrics import METRIC_PREFIXES, METRICS

_PREFIXES = tuple(prefix for prefix in METRIC_PREFIXES if prefix != "dev_")
_WORD = re.compile(r"[a-zA-Z0-9_./ -]+")


def is_known(name: str) -> bool:
    """Return whether a figure of this name is in the list or of a listed family."""
    if name in METRICS:
        return True
    if name.startswith("dev_"):
        return name.removeprefix("dev_") in METRICS
    return any(name.startswith(prefix) and _WORD.fullmatch(name) for prefix in _PREFIXES)
