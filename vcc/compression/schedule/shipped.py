"""The schedules that come with the project, found by model family and compression type.

Those of a family override the ones that serve any network.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from vcc.errors import NotAvailableError, ScheduleError, nearest


def _shipped_folder() -> Path:
    """Return the folder of shipped schedules, in a checkout or in an installation.

    `vcc/schedules` is a link to the folder at the top of a checkout, and a folder of an
    installation: what builds the wheel copies the files behind the link. Where links got lost (a
    checkout on Windows, some archives), the folder at the top is taken itself.
    """
    package = Path(str(files("vcc")))
    linked = package / "schedules"
    return (linked if linked.is_dir() else package.parent / "schedules").resolve()


SCHEDULES = _shipped_folder()
# in the order in which a chain takes its steps
KINDS = ("ep", "ptq", "qat", "kd")
# kinds -> file; {family} stands where the recipe differs by family: without it, and without the
# underscore behind it, the file is the one for families that have none of their own
_SHIPPED: dict[tuple[str, ...], str] = {
    ("ep",): "{family}_filters_agp_thin.yaml",
    ("ptq",): "ptq_int8.yaml",
    ("qat",): "qat_int8.yaml",
    ("ep", "ptq"): "{family}_filters_agp_thin_ptq_int8.yaml",
    ("ep", "qat"): "{family}_filters_agp_thin_qat_int8.yaml",
    ("kd",): "distillation.yaml",
}


def default_schedule(family: str, compression_type: str | Sequence[str]) -> Path:
    """Return the shipped schedule for a family and a compression type.

    Args:
        family: model family, such as resnet, or any other network's. One has schedules of its own
            where such files are there.
        compression_type: ep, ptq, qat or kd, or several of them to be chained, in any order; text
            may join them by commas. With kd, another kind's schedule is returned: the caller adds
            the distiller to it.

    Raises:
        ScheduleError: the type is unknown.
        NotAvailableError: no schedule is shipped for these types.
    """
    kinds = _in_order(compression_type)
    # A distiller acts beside whatever else a schedule does.
    name = _SHIPPED.get(kinds) or _SHIPPED.get(tuple(kind for kind in kinds if kind != "kd"))
    if name is None:
        there = ", ".join("+".join(types) for types in _SHIPPED)
        msg = (
            f"no schedule is shipped for {family} {'+'.join(kinds)} (shipped: {there}): give one "
            "with schedule=FILE"
        )
        raise NotAvailableError(msg)
    own = SCHEDULES / name.replace("{family}", family)
    return own if own.is_file() else SCHEDULES / name.replace("{family}_", "")


def find_schedule(path: Path) -> Path:
    """Return the file that a schedule's path names.

    `schedules/NAME.yaml`, as headers and guides write it, names the shipped file where the current
    folder has no such file: an installation runs in any folder.
    """
    shipped = SCHEDULES / path.name
    if path == Path("schedules") / path.name and not path.exists() and shipped.is_file():
        return shipped
    return path


def _in_order(compression_type: str | Sequence[str]) -> tuple[str, ...]:
    if isinstance(compression_type, str):
        compression_type = compression_type.split(",")
    wanted = [kind.strip() for kind in compression_type]
    for kind in wanted:
        if kind not in KINDS:
            msg = f"compression_type {kind!r} is unknown: {nearest(kind, KINDS)}"
            raise ScheduleError(msg)
    return tuple(kind for kind in KINDS if kind in wanted)
