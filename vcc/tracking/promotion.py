"""Moves the champion alias, on everything that was exported together, one promotion at a time.

MLflow sets an alias without asking what it was. Promotions therefore take turns by a lock, see
`promotion_lock`. It is held while aliases move and the move is recorded, not while a candidate is
measured; that the champion is still the one that was compared with is checked under the lock. What
it does not guard against is an alias set by hand in the same second: aliases are read back before
the lock is given up, and a difference is an error.

Whatever breaks a promotion off, an error or an interrupt, puts every alias back. Where that fails
too, the lock stays with its note, and the next promotion puts them back before it begins.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import mlflow

from vcc.errors import TrackingError
from vcc.tracking.promotion_lock import Lock, Places, places_of, promotion_lock, put_back
from vcc.tracking.registry import ONNX_SUFFIX, VIDEO_SUFFIX, Version, set_alias
from vcc.tracking.versions_together import (
    CHAMPION,
    PREVIOUS,
    SERVED_FIRST,
    SUFFIXES,
    base_name,
    find_version,
    versions_together,
)

_logger = logging.getLogger(__name__)

_FORMS = {"": "checkpoint", ONNX_SUFFIX: "graph", VIDEO_SUFFIX: "served model"}


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


def is_whole(version: Version) -> bool:
    """Return whether all that was made with a version is champion together."""
    return all(CHAMPION in each.aliases for each in versions_together(version).values())


def check_forms(target: Version) -> None:
    """Refuse a version of which a form is missing that the champion has, or that is served.

    Without it the alias would move on the other forms, and what is served would stay the old one.

    Args:
        target: any form of the version to promote.

    Raises:
        TrackingError: forms are missing; every one is named.
    """
    base = base_name(target.name)
    wanted = {suffix for suffix in SUFFIXES if find_version(base + suffix, CHAMPION) is not None}
    if "export_id" in target.tags:
        wanted |= {ONNX_SUFFIX, VIDEO_SUFFIX}
    missing = [s for s in SUFFIXES if s in wanted - set(versions_together(target))]
    if missing:
        names = ", ".join(f"its {_FORMS[suffix]} in {base + suffix}" for suffix in missing)
        msg = (
            f"{target.uri}: cannot be champion: {names} is missing (deleted, or never made): "
            "nothing was moved; export the network again, or take another version"
        )
        raise TrackingError(msg)


def make_champion(
    target: Version,
    *,
    instead_of: Version | None,
    record: Callable[[Move], None] | None = None,
) -> Move:
    """Move `champion` to a version and all that was exported with it, `previous` to what had it.

    Args:
        target: any of the versions to promote.
        instead_of: the champion that the decision was made against; None when there was none.
        record: writes down what moved. Where it fails, the aliases go back.

    Raises:
        TrackingError: a form is missing, another champion was made meanwhile, the lock is not to
            be had, or an alias is not where it was put.
    """
    base = base_name(target.name)
    with promotion_lock(base) as lock:
        present = holder_of(base, CHAMPION)
        if _uri(present) != _uri(instead_of):
            msg = (
                f"champion of {base}: is {_uri(present)} by now, no longer {_uri(instead_of)}, "
                "which the candidate was compared with: nothing was moved, promote again"
            )
            raise TrackingError(msg)
        check_forms(target)
        new = versions_together(target)
        old = {} if present is None else versions_together(present)
        before = places_of(base)
        after = _places_after(before, new, old)
        move = Move(
            champion=tuple(new[suffix].uri for suffix in SUFFIXES if suffix in new),
            previous=tuple(old[suffix].uri for suffix in SUFFIXES if suffix in old),
        )
        lock.note(before)
        try:
            _set(base, new, old, before)
            _verify(base, after)
            if record is not None:
                record(move)
            lock.forget()
        # An interrupt, too, must not leave the aliases half moved.
        except BaseException:
            _restore(base, before, lock)
            raise
    return move


def _set(base: str, new: Mapping[str, Version], old: Mapping[str, Version], before: Places) -> None:
    for suffix in SUFFIXES:
        if suffix not in new:
            continue
        if suffix in old and old[suffix].uri != new[suffix].uri:
            set_alias(old[suffix], PREVIOUS)
        elif old and suffix not in old and before[suffix, PREVIOUS] is not None:
            # An older `previous` would be what a rollback goes to.
            mlflow.MlflowClient().delete_registered_model_alias(base + suffix, PREVIOUS)
        set_alias(new[suffix], CHAMPION)


def _places_after(before: Places, new: Mapping[str, Version], old: Mapping[str, Version]) -> Places:
    """Return where the aliases have to be once all have moved."""
    after = dict(before)
    for suffix, version in new.items():
        after[suffix, CHAMPION] = version.number
        if suffix not in old:
            after[suffix, PREVIOUS] = None if old else before[suffix, PREVIOUS]
        elif old[suffix].uri != version.uri:
            after[suffix, PREVIOUS] = old[suffix].number
    return after


def _verify(base: str, after: Places) -> None:
    found = places_of(base)
    wrong = [
        f"{alias} of {base}{suffix} is on version {found[suffix, alias]}, not {number}"
        for (suffix, alias), number in after.items()
        if found[suffix, alias] != number
    ]
    if wrong:
        msg = (
            f"{'; '.join(wrong)}: somebody else moved the alias in this moment; look at it in the "
            "MLflow UI"
        )
        raise TrackingError(msg)


def _restore(base: str, before: Places, lock: Lock) -> None:
    """Put the aliases back; where that fails or is interrupted, keep the lock and its note."""
    lock.keep = True
    try:
        put_back(base, before)
        _verify(base, before)
    except TrackingError as error:
        # The first error is the one to report, not what fails because of it.
        _logger.error(
            "%s: aliases could not be put back: %s: the next `promote` does so", base, error
        )
    else:
        lock.keep = False


def _uri(version: Version | None) -> str:
    return version.uri if version else "none"
