"""Which packages may build networks here: those that the user named, and no other.

A checkpoint says which package built its network. Importing that package runs its code, so a name
in a file is not enough: the user names the package, too, by the option `trust`, by the environment
variable `VCC_TRUST`, or by asking for one of its networks (`model=python:my_package.nets:make`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from vcc.config.networks.builders import PYTHON

VARIABLE = "VCC_TRUST"


def trusted_packages() -> frozenset[str]:
    """Return the top-level packages that are trusted now."""
    return frozenset(filter(None, (each.strip() for each in _value().split(","))))


@contextmanager
def trusting(packages: Iterable[str]) -> Iterator[None]:
    """Trust more packages inside, in processes started there, too.

    Args:
        packages: top-level names.
    """
    added = {*packages}
    if not added:
        yield
        return
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = ",".join(sorted(trusted_packages() | added))
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before


def named_packages(options: object) -> tuple[str, ...]:
    """Return the packages that a command line names: by `trust`, and by `model` and `t_model`."""
    named = list(getattr(options, "trust", ()))
    for option in ("model", "t_model"):
        kind, _, rest = str(getattr(options, option, None)).partition(":")
        if kind == PYTHON:
            named.append(rest.partition(":")[0].partition(".")[0])
    return tuple(dict.fromkeys(filter(None, named)))


def _value() -> str:
    return os.environ.get(VARIABLE, "")
