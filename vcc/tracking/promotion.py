"""Moves the champion alias, on everything that was exported together, one promotion at a time.

MLflow sets an alias without asking what it was. Promotions therefore take turns by a lock that
every tracking server can keep: a registered model of a fixed name, which only one client can create
(names are unique in the database) and which is deleted afterwards. It is held while aliases move,
not while a candidate is measured; that the champion is still the one that was compared with is
checked under the lock. What it does not guard against is an alias set by hand in the same second:
aliases are read back before the lock is given up, and a difference is an error.
"""

from __future__ import annotations

import contextlib
import datetime
import getpass
import logging
import os
import platform
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import mlflow
from mlflow.exceptions import MlflowException

from vcc.errors import TrackingError
from vcc.tracking.exports import (
    CHAMPION,
    SUFFIXES,
    base_name,
    find_version,
    versions_together,
)
from vcc.tracking.registry import ONNX_SUFFIX, VIDEO_SUFFIX, Version, set_alias

_logger = logging.getLogger(__name__)

PREVIOUS = "previous"
LOCK_SUFFIX = "-promotion-lock"
LOCK_SECONDS = 60.0

# What is served says who is champion where somebody moved one alias by hand.
_LOOKUP = (VIDEO_SUFFIX, ONNX_SUFFIX, "")


@dataclass(frozen=True, kw_only=True)
class Move:
    """A champion that changed: URIs of the new versions, and of those that became `previous`."""

    champion: tuple[str, ...]
    previous: tuple[str, ...]


def holder_of(name: str, alias: str) -> Version | None:
    """Return the version that has an alias, in whichever form it was set; None when none has."""
    base = base_name(name)
    found = [find_version(base + suffix, alias) for suffix in _LOOKUP]
    held = [version for version in found if version is not None]
    if len({version.tags.get("export_id") for version in held}) > 1:
        shown = ", ".join(version.uri for version in held)
        _logger.warning("%s is on versions of several exports: %s", alias, shown)
    return held[0] if held else None


def make_champion(target: Version, *, instead_of: Version | None) -> Move:
    """Move `champion` to a version and all that was exported with it, `previous` to what had it.

    Args:
        target: any of the versions to promote.
        instead_of: the champion that the decision was made against; None when there was none.

    Raises:
        TrackingError: another champion was made meanwhile, the lock is not to be had, or an alias
            is not where it was put.
    """
    base = base_name(target.name)
    with promotion_lock(base):
        present = holder_of(base, CHAMPION)
        if _uri(present) != _uri(instead_of):
            msg = (
                f"champion of {base}: is {_uri(present)} by now, no longer {_uri(instead_of)}, "
                "which the candidate was compared with: nothing was moved, promote again"
            )
            raise TrackingError(msg)
        new = versions_together(target)
        old = {} if present is None else versions_together(present)
        before = _aliases(base)
        try:
            _set(new, old)
            _verify(base, new, old)
        except (TrackingError, MlflowException):
            _restore(base, before)
            raise
    return Move(
        champion=tuple(new[suffix].uri for suffix in SUFFIXES if suffix in new),
        previous=tuple(old[suffix].uri for suffix in SUFFIXES if suffix in old),
    )


@contextlib.contextmanager
def promotion_lock(base: str, *, patience: float = LOCK_SECONDS) -> Iterator[None]:
    """Hold the one lock that promotions of a name share, on any tracking server.

    Args:
        base: name of the checkpoints.
        patience: seconds to wait for another holder.

    Raises:
        TrackingError: it is still held after that.
    """
    client = mlflow.MlflowClient()
    name = base + LOCK_SUFFIX
    deadline = time.monotonic() + patience
    while not _take(client, name):
        if time.monotonic() > deadline:
            msg = (
                f"{name}: another promotion holds the lock for more than {patience:g} s "
                f"({_holder(client, name)}): where it is dead, delete that registered model in "
                "the MLflow UI"
            )
            raise TrackingError(msg)
        time.sleep(random.uniform(0.05, 0.3))
    try:
        yield
    finally:
        client.delete_registered_model(name)


def who() -> str:
    """Return the user's name as the tracking server or this machine knows it."""
    try:
        return os.environ.get("MLFLOW_TRACKING_USERNAME") or getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def now() -> str:
    """Return the time in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _take(client: mlflow.MlflowClient, name: str) -> bool:
    tags = {"holder": who(), "host": platform.node(), "process": str(os.getpid()), "since": now()}
    note = "Held while `promote` moves aliases. Delete it if that process is dead."
    try:
        client.create_registered_model(name, tags=tags, description=note)
    except MlflowException as error:
        if error.error_code == "RESOURCE_ALREADY_EXISTS":
            return False
        msg = f"{name}: cannot be created: {error.message}"
        raise TrackingError(msg) from error
    return True


def _holder(client: mlflow.MlflowClient, name: str) -> str:
    try:
        tags = client.get_registered_model(name).tags
    except MlflowException:
        return "just given up"
    return f"{tags.get('holder')} on {tags.get('host')} since {tags.get('since')}"


def _set(new: Mapping[str, Version], old: Mapping[str, Version]) -> None:
    for suffix in SUFFIXES:
        if suffix in old and suffix in new and old[suffix].uri != new[suffix].uri:
            set_alias(old[suffix], PREVIOUS)
        if suffix in new:
            set_alias(new[suffix], CHAMPION)


def _verify(base: str, new: Mapping[str, Version], old: Mapping[str, Version]) -> None:
    for suffix, version in new.items():
        found = find_version(base + suffix, CHAMPION)
        if _uri(found) != version.uri:
            msg = (
                f"{version.uri}: was made champion, but {_uri(found)} is: somebody else moved the "
                "alias in this moment; look at it in the MLflow UI"
            )
            raise TrackingError(msg)


def _aliases(base: str) -> dict[tuple[str, str], Version | None]:
    return {
        (suffix, alias): find_version(base + suffix, alias)
        for suffix in SUFFIXES
        for alias in (CHAMPION, PREVIOUS)
    }


def _restore(base: str, before: Mapping[tuple[str, str], Version | None]) -> None:
    client = mlflow.MlflowClient()
    for (suffix, alias), version in before.items():
        # The first error is the one to report, not what fails because of it.
        with contextlib.suppress(MlflowException):
            if version is not None:
                set_alias(version, alias)
            elif find_version(base + suffix, alias) is not None:
                client.delete_registered_model_alias(base + suffix, alias)


def _uri(version: Version | None) -> str:
    return version.uri if version else "none"
