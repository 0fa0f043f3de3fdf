"""The schedules that come with the project, found by model family and compression type."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vcc.errors import NotAvailableError, ScheduleError, nearest

SCHEDULES = Path(__file__).resolve().parents[2] / "schedules"
_SHIPPED: dict[tuple[str, tuple[str, ...]], str] = {
    ("resnet", ("ep",)): "resnet_filters_agp_thin.yaml",
}


def default_schedule(family: str, compression_type: str | Sequence[str]) -> Path:
    """Return the shipped schedule for a family and a compression type.

    Args:
        family: model family, such as resnet.
        compression_type: ep, ptq, qat or kd, or several of them to be chained.

    Raises:
        ScheduleError: the type is unknown.
        NotAvailableError: no schedule is shipped for this pair.
    """
    kinds = (compression_type,) if isinstance(compression_type, str) else tuple(compression_type)
    known = ("ep", "ptq", "qat", "kd")
    for kind in kinds:
        if kind not in known:
            msg = f"compression_type {kind!r} is unknown: {nearest(kind, known)}"
            raise ScheduleError(msg)
    name = _SHIPPED.get((family, kinds))
    if name is None:
        there = "; ".join(f"{model} {'+'.join(types)}" for model, types in sorted(_SHIPPED))
        msg = (
            f"no schedule is shipped for {family} {'+'.join(kinds)} (shipped: {there}): "
            "give one with schedule=FILE"
        )
        raise NotAvailableError(msg)
    return SCHEDULES / name
