"""The promote command: measure a registered version, judge it by the gate, move the alias."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vcc.cli import say
from vcc.config.entrypoints import PromoteEntry
from vcc.pipeline.notes import rolled_back_note
from vcc.pipeline.promote.verdict import ARTIFACT, judge, tag_all
from vcc.tracking.gate import load_gate
from vcc.tracking.promotion import Move, check_forms, holder_of, is_whole, make_champion
from vcc.tracking.promotion_lock import now, undo_killed, who
from vcc.tracking.registry import Version
from vcc.tracking.runs import Run, connect, open_run
from vcc.tracking.versions_together import CHAMPION, PREVIOUS, base_name, only_name_with, version_by


def run_promote(options: PromoteEntry) -> None:
    """Promote a version through the gate, or give the alias back.

    Raises:
        GateError: the candidate misses marks; every one is named.
        TrackingError: there is no such version, or the champion changed meanwhile.
    """
    connect()
    gate = load_gate(options.gate)
    alias = PREVIOUS if options.rollback else options.version
    wanted = "challenger" if alias.isdigit() else alias
    name = base_name(options.name or only_name_with(wanted, option="name"))
    undo_killed(name)
    target = version_by(name, alias)
    champion = holder_of(name, CHAMPION)
    verb = "roll back" if options.rollback else "promote"
    with open_run(options.run_name or f"{verb} {name}", step="promote", options=options) as run:
        if champion is not None and _same(champion, target) and is_whole(target):
            say(f"{target.uri} is champion already: nothing changed")
            return
        # Before minutes of measuring; again under the lock.
        check_forms(target)
        record: dict[str, Any] = {
            "what": verb,
            "who": who(),
            "when": now(),
            "why": options.reason or ("rollback" if options.rollback else "passed the gate"),
            "candidate": target.uri,
            "champion_before": champion.uri if champion else None,
        }
        if not options.rollback:
            record |= judge(options, gate, target, champion, run=run)

        def write_down(move: Move) -> None:
            if options.rollback:
                run.describe(rolled_back_note(target.uri, record["champion_before"], record["why"]))
            _record(record | {"champion": move.champion, "previous": move.previous}, target, run)

        move = make_champion(target, instead_of=champion, record=write_down)
    _say_moves(move)


def _record(record: Mapping[str, Any], target: Version, run: Run) -> None:
    run.log_dict(record, ARTIFACT)
    run.set_tags({"champion": target.uri, "why": str(record["why"])})
    tags = {
        "promoted_by": str(record["who"]),
        "promoted_at": str(record["when"]),
        "promoted_why": str(record["why"]),
        "promoted_instead_of": str(record["champion_before"] or ""),
        "gate_run_id": run.run_id,
    }
    if "figures" in record:
        tags |= {"gate": "passed", "gate_misses": "", "gate_digest": record["gate"]["digest"]}
        for name, figures in record["figures"].items():
            tags |= {f"gate.{name}.{key}": str(value) for key, value in figures.items()}
    tag_all(target, tags)


def _same(one: Version, other: Version) -> bool:
    own, others = one.tags.get("export_id"), other.tags.get("export_id")
    return one.uri == other.uri or (own is not None and own == others)


def _say_moves(move: Move) -> None:
    for uri in move.champion:
        say(f"champion: {uri}")
    for uri in move.previous:
        say(f"previous: {uri}")
    served = next((uri for uri in move.champion if "-video/" in uri), None)
    if served is not None:
        name = served.removeprefix("models:/").rsplit("/", 1)[0]
        say(f"next: mlflow models serve -m models:/{name}@champion --env-manager local")
