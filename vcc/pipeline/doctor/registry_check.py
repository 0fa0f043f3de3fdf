"""The whole of `doctor -P check=registry`: what is looked at, and how it is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vcc.cli import say
from vcc.errors import TrackingError
from vcc.pipeline.doctor.aliases import check_aliases, check_lock
from vcc.pipeline.doctor.finding import Finding
from vcc.pipeline.doctor.prepared_data import check_data, needed_data
from vcc.pipeline.doctor.version_files import check_checkpoints, check_exports
from vcc.tracking.inventory import Registration, read_registry
from vcc.tracking.runs import connect


def check_registry(root_path: Path) -> None:
    """Print what does not fit together, each with the command that mends it.

    Args:
        root_path: folder that prepared data sets lie in.

    Raises:
        TrackingError: something is wrong; remarks alone are not.
    """
    uri = connect()
    registrations = read_registry()
    # A folder that several networks need is told once.
    found = list(dict.fromkeys(findings(registrations, root_path)))
    for finding in found:
        for line in finding.lines():
            say(line)
    versions = sum(len(form) for each in registrations for form in each.forms.values())
    say(f"looked at {versions} versions of {len(registrations)} networks at {uri}")
    broken = sum(finding.broken for finding in found)
    if broken:
        msg = (
            f"{uri}: {_things(broken)} not fit together: run the commands above, the first one "
            "first, and look again"
        )
        raise TrackingError(msg)
    say("everything fits together")


def findings(registrations: list[Registration], root_path: Path) -> Iterator[Finding]:
    """Yield what does not fit together.

    Args:
        registrations: everything registered.
        root_path: as above.
    """
    for registration in registrations:
        for check in (check_lock, check_aliases, check_checkpoints, check_exports):
            yield from check(registration)
    for needed in needed_data(registrations):
        yield from check_data(needed, root_path)


def _things(count: int) -> str:
    return "1 thing does" if count == 1 else f"{count} things do"
