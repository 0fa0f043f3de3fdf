"""Which two versions are looked at closely: those that were named, or a network and its origin."""

from __future__ import annotations

from collections.abc import Sequence

from vcc.errors import TrackingError
from vcc.pipeline.compare.changes import Change
from vcc.pipeline.compare.versions import ComparedVersion


def choose_pair(
    compared: Sequence[ComparedVersion], *, before: str | None, after: str | None
) -> Change | None:
    """Return two versions to compare; None where there are no two that belong together.

    Args:
        compared: every version, by name.
        before: number, alias, NAME/NUMBER or URI; None: what `after` was made from, or else the
            first dense version.
        after: likewise; None: the challenger, else the champion, else the newest compressed one.

    Raises:
        TrackingError: a named version is not there, several have that number or alias, or both are
            the same.
    """
    second = _named(compared, after, option="after") if after else _latest(compared)
    if second is None:
        return None
    first = _named(compared, before, option="before") if before else _origin(compared, second)
    if first is None:
        if after is None:
            return None
        msg = f"after: {second.name} was made from none of these versions: name one by before"
        raise TrackingError(msg)
    if first is second:
        msg = f"before: {first.name} is after, too: name another version"
        raise TrackingError(msg)
    return Change(before=first, after=second)


def _named(compared: Sequence[ComparedVersion], reference: str, *, option: str) -> ComparedVersion:
    found = [each for each in compared if reference in _references(each)]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(each.name for each in found)
        msg = f"{option}: {reference!r} is one of several: {names}: name it so, or choose by name"
    else:
        msg = f"{option}: none of the versions is {reference!r}: give a number, an alias or a URI"
    raise TrackingError(msg)


def _references(each: ComparedVersion) -> set[str]:
    name = each.version.name
    return {
        each.name,
        str(each.version.number),
        each.version.uri,
        f"{name}/{each.version.number}",
        *each.aliases,
        *(f"models:/{name}@{alias}" for alias in each.aliases),
    }


def _latest(compared: Sequence[ComparedVersion]) -> ComparedVersion | None:
    compressed = [each for each in compared if not each.is_dense]
    for alias in ("challenger", "champion"):
        held = [each for each in compressed if alias in each.aliases]
        if held:
            return max(held, key=lambda each: each.version.created_ms)
    return max(compressed, key=lambda each: each.version.created_ms, default=None)


def _origin(
    compared: Sequence[ComparedVersion], version: ComparedVersion
) -> ComparedVersion | None:
    parent = version.version.tags.get("parent")
    for each in compared:
        if each.version.uri == parent:
            return each
    dense = (each for each in compared if each.is_dense and each is not version)
    return next((each for each in dense if each.version.name == version.version.name), None)
