"""The lock that promotions of a name share, and the note in it that undoes a broken one.

It is a registered model of a fixed name: every tracking server can keep one, only one client can
create it (names are unique in the database), and it is deleted afterwards. The note says where the
aliases were. Whoever finds a lock that nobody holds any more puts them back by it.
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
from typing import Any

import filelock
import mlflow
import psutil
from mlflow.exceptions import MlflowException

from vcc.errors import TrackingError
from vcc.tracking.versions_together import CHAMPION, PREVIOUS, SUFFIXES, find_version

_logger = logging.getLogger(__name__)

LOCK_SUFFIX = "-promotion-lock"
LOCK_SECONDS = 60.0
# Beyond what putting aliases back takes.
_LIMIT_S = 600

# (suffix of the form, alias) -> number of the version that has it.
Places = Mapping[tuple[str, str], int | None]

_BEFORE = "before"
_TOKEN = "token"
_LEFT = "left"
# Two readings of when a process started differ by less than this.
_SAME_START_S = 1.0
# Tokens of the locks that this process holds at present: another lock of its own was left behind.
_held: set[str] = set()


@dataclass(kw_only=True)
class Lock:
    """A lock that is held.

    Attributes:
        name: of the registered model that it is.
        keep: whether it stays when its holder leaves, for the next promotion to repair by it.
    """

    name: str
    keep: bool = False

    def note(self, before: Places) -> None:
        """Write into the lock where the aliases are, for whoever finds it left behind."""
        places = {f".{suffix} {alias}": number for (suffix, alias), number in before.items()}
        client = mlflow.MlflowClient()
        client.set_registered_model_tag(self.name, _BEFORE, json.dumps(places))

    def forget(self) -> None:
        """Take the note out: what was begun is done, and nothing is to be put back."""
        mlflow.MlflowClient().set_registered_model_tag(self.name, _BEFORE, "{}")


@contextlib.contextmanager
def promotion_lock(base: str, *, patience: float = LOCK_SECONDS) -> Iterator[Lock]:
    """Hold the one lock that promotions of a name share, on any tracking server.

    Args:
        base: name of the checkpoints.
        patience: seconds to wait for another holder.

    Raises:
        TrackingError: it is still held after that.
    """
    lock = Lock(name=base + LOCK_SUFFIX)
    token = uuid.uuid4().hex
    # Before the lock exists: there is no moment in which it looks left behind.
    _held.add(token)
    try:
        _wait_for(base, lock.name, token, patience=patience)
        yield lock
    finally:
        try:
            _give_up(lock, token)
        finally:
            _held.discard(token)


def undo_killed(base: str) -> None:
    """Put the aliases back that a broken promotion was moving, and give up its lock.

    Only a process of this machine can be seen to be dead: another lock is left alone, unless it
    says that it was left behind.

    Args:
        base: name of the checkpoints.

    Raises:
        TrackingError: an alias cannot be put back; the lock stays.
    """
    client = mlflow.MlflowClient()
    name = base + LOCK_SUFFIX
    if not is_abandoned(lock_tags(name)):
        return
    # Others on this machine see the same: one undoes it.
    with _alone_on_this_machine(name):
        tags = lock_tags(name)
        if not is_abandoned(tags):
            return
        put_back(base, noted_places(tags))
        client.delete_registered_model(name)
    _logger.warning(
        "%s: a promotion was broken off while it moved aliases: they were put back", base
    )


def places_of(base: str) -> dict[tuple[str, str], int | None]:
    """Return where the aliases of promotion are, by form."""
    found = {
        (suffix, alias): find_version(base + suffix, alias)
        for suffix in SUFFIXES
        for alias in (CHAMPION, PREVIOUS)
    }
    return {place: version.number if version else None for place, version in found.items()}


def put_back(base: str, before: Places) -> None:
    """Put every alias where it was, and read it back.

    A version that was deleted since has no alias any more.

    Raises:
        TrackingError: an alias is elsewhere in the end.
    """
    # What is served comes back first.
    for (suffix, alias), number in reversed(list(before.items())):
        _put_one(base + suffix, alias, number)


def noted_places(tags: Mapping[str, str]) -> dict[tuple[str, str], int | None]:
    """Return what the note of a lock says; nothing where aliases had not begun to move.

    Raises:
        TrackingError: somebody changed the note.
    """
    text = tags.get(_BEFORE, "{}")
    try:
        return {_place(key): _number(value) for key, value in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError, RecursionError):
        msg = (
            f"a promotion's lock says nothing that aliases could go back by ({text:.80}): set the "
            "aliases in the MLflow UI, then delete that registered model"
        )
        raise TrackingError(msg) from None


def _place(key: str) -> tuple[str, str]:
    suffix, alias = key.split()
    return suffix.removeprefix("."), alias


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def lock_tags(name: str) -> dict[str, str]:
    """Return what a lock says of its holder; nothing where nobody holds it."""
    try:
        return dict(mlflow.MlflowClient().get_registered_model(name).tags)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return {}
        msg = f"{name}: cannot be looked up at {mlflow.get_registry_uri()}: {error.message}"
        raise TrackingError(msg) from error


def is_abandoned(tags: Mapping[str, str]) -> bool:
    """Return whether the holder of a lock is known not to hold it any more."""
    if tags.get(_LEFT):
        return True
    if tags.get("machine") != _machine():
        return False
    try:
        holder = psutil.Process(int(tags["process"]))
        if holder.status() == psutil.STATUS_ZOMBIE:
            return True
        # Its number may have gone to another process.
        if abs(holder.create_time() - float(tags["started"])) > _SAME_START_S:
            return True
        own = holder.pid == os.getpid() and _TOKEN in tags
        return own and tags[_TOKEN] not in _held
    except psutil.NoSuchProcess:
        return True
    except (psutil.AccessDenied, KeyError, ValueError):
        # Who it is is not to be seen, or somebody changed the tags that say it.
        return False


def who() -> str:
    """Return the user's name as the tracking server or this machine knows it."""
    try:
        return os.environ.get("MLFLOW_TRACKING_USERNAME") or getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def now() -> str:
    """Return the time in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


@contextlib.contextmanager
def _alone_on_this_machine(name: str) -> Iterator[None]:
    lock = filelock.FileLock(Path(tempfile.gettempdir()) / f"{name}.lock", timeout=_LIMIT_S)
    try:
        lock.acquire(timeout=_LIMIT_S)
    except filelock.Timeout:
        msg = f"{name}: another process has been putting aliases back for {_LIMIT_S} s: end it"
        raise TrackingError(msg) from None
    except OSError as error:
        # Another account's file, as a rule: a folder for temporary files protects those.
        msg = f"{lock.lock_file}: cannot be locked ({error.strerror or error}): have it removed"
        raise TrackingError(msg) from error
    try:
        yield
    finally:
        lock.release()


def _wait_for(base: str, name: str, token: str, *, patience: float) -> None:
    deadline = time.monotonic() + patience
    while not _take(name, token):
        undo_killed(base)
        if time.monotonic() > deadline:
            msg = (
                f"{name}: another promotion holds the lock for more than {patience:g} s "
                f"({_holder(name)}): where it is dead, delete that registered model in "
                "the MLflow UI, once the aliases are where its tag `before` says"
            )
            raise TrackingError(msg)
        time.sleep(random.uniform(0.05, 0.3))


def _give_up(lock: Lock, token: str) -> None:
    """Delete the lock where it is one's own, or say in it that it was left behind."""
    # An interrupt may come between asking for the lock and knowing that one has it.
    if lock_tags(lock.name).get(_TOKEN) != token:
        return
    client = mlflow.MlflowClient()
    if lock.keep:
        # A server that is away hears nothing: this process or its end says it then.
        with contextlib.suppress(MlflowException):
            client.set_registered_model_tag(lock.name, _LEFT, now())
    else:
        client.delete_registered_model(lock.name)


def _take(name: str, token: str) -> bool:
    tags = {
        "holder": who(),
        "host": platform.node(),
        "machine": _machine(),
        "process": str(os.getpid()),
        "started": str(psutil.Process().create_time()),
        "since": now(),
        _TOKEN: token,
    }
    note = "Held while `promote` moves aliases. Delete it if that process is dead."
    try:
        mlflow.MlflowClient().create_registered_model(name, tags=tags, description=note)
    except MlflowException as error:
        # The second where it was given up while MLflow looked for what is in the way.
        if error.error_code in ("RESOURCE_ALREADY_EXISTS", "RESOURCE_DOES_NOT_EXIST"):
            return False
        msg = f"{name}: cannot be created: {error.message}"
        raise TrackingError(msg) from error
    return True


def _holder(name: str) -> str:
    tags = lock_tags(name)
    if not tags:
        return "just given up"
    return f"{tags.get('holder')} on {tags.get('host')} since {tags.get('since')}"


def _machine() -> str:
    """Return what tells apart the machines, and their containers, that processes are numbered on.

    A host's name does not: many are called localhost.
    """
    space = Path("/proc/self/ns/pid")
    return f"{uuid.getnode():012x} {space.readlink() if space.exists() else ''}".strip()


def _put_one(name: str, alias: str, number: int | None) -> None:
    client = mlflow.MlflowClient()
    if number is not None and find_version(name, str(number)) is None:
        number = None
    present = find_version(name, alias)
    if (present.number if present else None) == number:
        return
    try:
        if number is None:
            client.delete_registered_model_alias(name, alias)
        else:
            client.set_registered_model_alias(name, alias, str(number))
    except MlflowException as error:
        msg = f"{name}: {alias} cannot be put back to version {number}: {error.message}"
        raise TrackingError(msg) from error
