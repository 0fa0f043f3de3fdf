"""Which of the shipped schedules are meant for a family."""

from __future__ import annotations

from pathlib import Path

from vcc.compression.schedule.shipped import SCHEDULES

_OWN = "_filters_agp_thin.yaml"
# The families that have schedules of their own.
FAMILIES = tuple(path.name.removesuffix(_OWN) for path in sorted(SCHEDULES.glob(f"*{_OWN}")))


def shipped_schedules(family: str) -> tuple[Path, ...]:
    """Return every shipped schedule that is meant for a family, by name."""
    others = tuple(f"{name}_" for name in FAMILIES if name != family)
    return tuple(
        path for path in sorted(SCHEDULES.glob("*.yaml")) if not path.name.startswith(others)
    )
