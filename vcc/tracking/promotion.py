"""Moves the champion alias, on everything that was exported together, one promotion at a time.

MLflow sets an alias without asking what it was. Promotions therefore take turns by a lock that
every tracking server can keep: a registered model of a fixed name, which only one client can create
(names are unique in the database) and which is deleted afterwards. It is held while aliases move,
not while a candidate is measured; that the champion is still the one that was compared with is
checked under the lock. What it does not guard against is an alias set by hand in the same second:
aliases are read back before the lock is given up, and a difference is an error.

The lock says where the aliases were. A promotion that was killed leaves it behind; the next one on
that machine puts them back and goes on.
"""

from __future__ import annotations

import contextlib
import datetime
import getpass
import json
import logging
import os
import platform
import random
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import filelock
import mlflow
import psutil
from mlflow.exceptions import MlflowException

from vcc.errors import TrackingError
from vcc.tracking.exports import (
    CHAMPION,
    PREVIOUS,
    SERVED_FIRST,
    SUFFIXES,
    base_name,
    find_version,
    versions_together,
)
from vcc.tracking.registry import Version, set_alias

_logger = logging.getLogger(__name__)

LOCK_SUFFIX = "-promotion-lock"
LOCK_SECONDS = 60.0
# Beyond what putting aliases back takes.
_LIMIT_S = 600

_BEFORE = "before"
# Two readings of when a process started differ by less than this.
_SAME_START_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Move:
    """A champion that changed: URIs of the new versions, and of those that became `previous`."""

    champion: tuple[str, ...]
    previous: tuple[str, ...]


def holder_of(name: str, alias: str) -> Version | None:
    """Return the version that has an alias, in whichever form it was set; None when none has."""
    base = base_name(name)
    found = [find_version(base + suffix, alias) for suffix in SERVED_FIRST]
    held = [version for version in found if version is not None]
    if not held:
        return None
    together = {version.uri for version in versions_together(held[0]).values()}
    if not together.issuperset(version.uri for version in held):
        shown = ", ".join(version.uri for version in held)
        _logger.warning("%s is on versions of several exports: %s", alias, shown)
    return held[0]


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
        _note_before(base, before)
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
        undo_killed(base)
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


def undo_killed(base: str) -> None:
    """Put the aliases back that a killed promotion was moving, and give up its lock.

    Only a process of this machine can be seen to be dead: another lock is left alone.

    Args:
        base: name of the checkpoints.
    """
    client = mlflow.MlflowClient()
    name = base + LOCK_SUFFIX
    if not _is_abandoned(_lock_tags(client, name)):
        return
    # Others on this machine see the same: one undoes it.
    with _alone_on_this_machine(name):
        tags = _lock_tags(client, name)
        if not _is_abandoned(tags):
            return
        for key, number in json.loads(tags.get(_BEFORE, "{}")).items():
            suffix, alias = key.split()
            _put_back(base + suffix.removeprefix("."), alias, number)
        client.delete_registered_model(name)
    _logger.warning("%s: a promotion was killed while it moved aliases: they were put back", base)


@contextlib.contextmanager
def _alone_on_this_machine(name: str) -> Iterator[None]:
    try:
        with filelock.FileLock(Path(tempfile.gettempdir()) / f"{name}.lock", timeout=_LIMIT_S):
            yield
    except filelock.Timeout:
        msg = f"{name}: another process has been putting aliases back for {_LIMIT_S} s: end it"
        raise TrackingError(msg) from None


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
    tags = {
        "holder": who(),
        "host": platform.node(),
        "machine": _machine(),
        "process": str(os.getpid()),
        "started": str(psutil.Process().create_time()),
        "since": now(),
    }
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
    tags = _lock_tags(client, name)
    if not tags:
        return "just given up"
    return f"{tags.get('holder')} on {tags.get('host')} since {tags.get('since')}"


def _lock_tags(client: mlflow.MlflowClient, name: str) -> dict[str, str]:
    """Return what the lock says of its holder; nothing where nobody holds it."""
    try:
        return dict(client.get_registered_model(name).tags)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return {}
        msg = f"{name}: cannot be looked up at {mlflow.get_registry_uri()}: {error.message}"
        raise TrackingError(msg) from error


def _is_abandoned(tags: Mapping[str, str]) -> bool:
    if tags.get("machine") != _machine():
        return False
    try:
        holder = psutil.Process(int(tags["process"]))
        if holder.status() == psutil.STATUS_ZOMBIE:
            return True
        # Its number may have gone to another process.
        return abs(holder.create_time() - float(tags["started"])) > _SAME_START_S
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


def _machine() -> str:
    """Return what tells apart the machines, and their containers, that processes are numbered on.

    A host's name does not: many are called localhost.
    """
    space = Path("/proc/self/ns/pid")
    return f"{uuid.getnode():012x} {space.readlink() if space.exists() else ''}".strip()


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
    for (suffix, alias), version in before.items():
        # The first error is the one to report, not what fails because of it.
        with contextlib.suppress(MlflowException):
            _put_back(base + suffix, alias, version.number if version else None)


def _put_back(name: str, alias: str, number: int | None) -> None:
    client = mlflow.MlflowClient()
    if number is not None:
        client.set_registered_model_alias(name, alias, str(number))
    elif find_version(name, alias) is not None:
        client.delete_registered_model_alias(name, alias)


def _note_before(base: str, before: Mapping[tuple[str, str], Version | None]) -> None:
    """Write into the lock where the aliases are, for whoever finds it left behind."""
    places = {
        f".{suffix} {alias}": version.number if version else None
        for (suffix, alias), version in before.items()
    }
    client = mlflow.MlflowClient()
    client.set_registered_model_tag(base + LOCK_SUFFIX, _BEFORE, json.dumps(places))


def _uri(version: Version | None) -> str:
    return version.uri if version else "none"
