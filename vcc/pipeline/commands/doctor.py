"""The doctor command: what this machine can run, and why not the rest."""

from __future__ import annotations

import itertools

from vcc.cli import say
from vcc.errors import ExportError
from vcc.export import doctor
from vcc.pipeline.doctor.environments import environment_findings


def run_doctor() -> None:
    """Print one line per finding.

    Raises:
        ExportError: something must be mended.
    """
    for title, found in itertools.chain(doctor.findings(), environment_findings()):
        say(f"{title:24} {found}")
    broken = doctor.problems()
    if broken:
        raise ExportError("; ".join(broken))
