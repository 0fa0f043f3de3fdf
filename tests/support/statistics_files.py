"""Files of activation statistics, as Distiller writes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from vcc.compression.quantization.clipping import ActivationStats


def save_statistics(stats: Mapping[str, ActivationStats], path: Path) -> None:
    """Write statistics as the dialect's YAML: layer -> inputs -> 0 -> figures."""
    plain = {
        name: {"inputs": {0: _figures(item)}, "histogram": list(item.counts)}
        for name, item in stats.items()
    }
    path.write_text(yaml.safe_dump(plain, sort_keys=False), encoding="utf-8")


def _figures(stats: ActivationStats) -> dict[str, float]:
    return {
        "min": stats.minimum,
        "max": stats.maximum,
        "avg_min": stats.avg_min,
        "avg_max": stats.avg_max,
        "mean": stats.mean,
        "std": stats.std,
        "b": stats.b,
    }
