"""Whether aliases mean the same network in all forms, and no promotion was left half done."""

from __future__ import annotations

from collections.abc import Iterator

from vcc.errors import TrackingError
from vcc.pipeline.doctor.finding import (
    Finding,
    alias_command,
    client_command,
    export_command,
    promote_command,
)
from vcc.tracking.inventory import Registration
from vcc.tracking.promotion_lock import LOCK_SUFFIX, is_abandoned, lock_tags, noted_places
from vcc.tracking.registry import ONNX_SUFFIX, VIDEO_SUFFIX
from vcc.tracking.versions_together import (
    CHAMPION,
    PREVIOUS,
    SERVED_FIRST,
    SUFFIXES,
    versions_together,
)


def check_aliases(registration: Registration) -> Iterator[Finding]:
    """Yield aliases that mean another network in another form."""
    for alias in (CHAMPION, PREVIOUS):
        yield from _of_promotion(registration, alias)
    for alias in ("baseline", "challenger"):
        yield from _of_export(registration, alias)


def _of_promotion(registration: Registration, alias: str) -> Iterator[Finding]:
    """Find an alias of promotion that is not on everything made with what is served."""
    base = registration.base
    held = {
        s: registration.aliases[s, alias] for s in SUFFIXES if (s, alias) in registration.aliases
    }
    if not held:
        return
    first = next(suffix for suffix in SERVED_FIRST if suffix in held)
    version = registration.forms[first].get(held[first])
    together = (
        {}
        if version is None
        else {suffix: each.number for suffix, each in versions_together(version).items()}
    )
    for suffix in SUFFIXES:
        if held.get(suffix) == together.get(suffix):
            continue
        mend = (
            promote_command(base, CHAMPION)
            if alias == CHAMPION
            else alias_command(base + suffix, alias, together.get(suffix))
        )
        yield Finding(
            where=f"{base}{suffix}",
            what=f"{alias} is on {_shown(held.get(suffix))}; what is served of {alias} was made "
            f"with {_shown(together.get(suffix))}",
            mend=mend,
        )


def _of_export(registration: Registration, alias: str) -> Iterator[Finding]:
    """Find an alias that an export gave to a graph and not to its served model, or the reverse."""
    made = {
        suffix: version.tags.get("export_id")
        for suffix in (ONNX_SUFFIX, VIDEO_SUFFIX)
        for version in registration.forms[suffix].values()
        if alias in version.aliases
    }
    if len(made) == 2 and len(set(made.values())) == 1 or not made:
        return
    yield Finding(
        where=registration.base,
        what=f"{alias} is on a graph and a served model of different exports",
        mend=export_command(f"models:/{registration.base}@{alias}"),
    )


def check_lock(registration: Registration) -> Iterator[Finding]:
    """Yield a promotion's lock: of one that was broken off, or that goes on at the moment."""
    if not registration.locked:
        return
    base, name = registration.base, registration.base + LOCK_SUFFIX
    tags = lock_tags(name)
    if not tags:
        return
    holder = f"{tags.get('holder')} on {tags.get('host')} since {tags.get('since')}"
    if is_abandoned(tags):
        try:
            noted = noted_places(tags)
        except TrackingError as error:
            yield Finding(
                where=name, what=str(error), mend=client_command("delete_registered_model", name)
            )
            return
        places = ", ".join(
            f"{alias} of {base}{suffix} back to {_shown(number)}"
            for (suffix, alias), number in noted.items()
        )
        yield Finding(
            where=name,
            what=f"a promotion by {holder} was broken off" + (f": {places}" if places else ""),
            mend=promote_command(base, CHAMPION),
        )
        return
    yield Finding(
        where=name,
        what=f"a promotion by {holder} goes on, or its machine was lost",
        mend=f"wait; where its machine is gone: {client_command('delete_registered_model', name)}",
        broken=False,
    )


def _shown(number: int | None) -> str:
    return "no version" if number is None else f"version {number}"
