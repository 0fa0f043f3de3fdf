"""The promote command: measure a registered version, judge it by the gate, move the alias."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vcc.cli import say
from vcc.config.data import ClipOptions
from vcc.config.entrypoints import PromoteEntry
from vcc.config.yaml_files.gate_marks import GateOptions
from vcc.data.clips.protocol import ClipProtocol
from vcc.data.store.prepared import PreparedDataset, find_prepared
from vcc.errors import ExportError, GateError, TrackingError
from vcc.evaluation.comparison import as_markdown, as_text
from vcc.export.benchmark import SpeedUp, speed_up
from vcc.export.onnx_file import check_classes, read_metadata
from vcc.export.runtimes.catalog import Session
from vcc.pipeline.evaluate.inference import classify_with_session, score_subset
from vcc.pipeline.evaluate.step import largest_class_share
from vcc.pipeline.export.sessions import dev_parity, open_together, scratch_folder, time_together
from vcc.pipeline.notes import rolled_back_note
from vcc.pipeline.source import fetch_network
from vcc.pipeline.unseen import overlap
from vcc.tracking.exports import (
    CHAMPION,
    PREVIOUS,
    base_name,
    download_graph,
    graph_version,
    only_name_with,
    version_by,
    versions_together,
)
from vcc.tracking.gate import Figures, Gate, find_misses, load_gate
from vcc.tracking.promotion import Move, check_forms, holder_of, is_whole, make_champion
from vcc.tracking.promotion_lock import now, undo_killed, who
from vcc.tracking.registry import Version, get_version, tag_version
from vcc.tracking.runs import Run, connect, open_run

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Graph:
    """A downloaded graph and the session that runs it."""

    version: Version
    path: Path
    session: Session
    metadata: Mapping[str, Any]

    @property
    def protocol(self) -> ClipProtocol:
        clip = ClipOptions.from_mapping(self.metadata["clip"], where=f"{self.version.uri}: clip")
        return ClipProtocol.from_options(clip)


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
            record |= _judge(options, gate, target, champion, run=run)

        def write_down(move: Move) -> None:
            if options.rollback:
                run.describe(rolled_back_note(target.uri, record["champion_before"], record["why"]))
            _record(record | {"champion": move.champion, "previous": move.previous}, target, run)

        move = make_champion(target, instead_of=champion, record=write_down)
    _say_moves(move)


def _judge(
    options: PromoteEntry, gate: Gate, target: Version, champion: Version | None, *, run: Run
) -> dict[str, Any]:
    """Measure, compare and return what goes into the record; raises GateError on a miss."""
    versions = {"candidate": target, "dense": _dense(target), "champion": champion}
    dataset = find_prepared(options.root_path, options.dataset or target.tags.get("dataset"))
    run.set_tags({"dataset": dataset.name, "data_digest": dataset.digest})
    with scratch_folder() as folder:
        figures, parity_error, gained = _measure(
            versions, dataset, gate.marks, options, folder=folder
        )
    candidate = figures["candidate"]
    misses = find_misses(
        gate.marks,
        candidate,
        dense=figures.get("dense"),
        champion=figures.get("champion"),
        parity_error=parity_error,
    )
    misses += _wrong_data(candidate, dataset)
    if gained is not None and not gained.is_real:
        _logger.warning(
            "the speed-up over the dense baseline, %s, is inside the spread of %d rounds: raise "
            "latency_runs in the gate file, or measure on a machine at rest",
            gained.as_text(),
            gained.rounds,
        )
    rows = _rows(figures)
    say(as_text(rows))
    run.log_text(as_markdown(rows) + "\n", "gate.md")
    verdict = f"misses the gate: {'; '.join(misses)}" if misses else "passes the gate"
    run.describe(
        f"{target.uri} {verdict} ({gate.source}), measured on {candidate.test_videos} test videos "
        f"of {dataset.name} and on {candidate.runtime}.\n\n{as_markdown(rows)}"
    )
    run.log_metrics(
        {
            f"{name}.{key}": value
            for name, each in figures.items()
            for key, value in each.as_dict().items()
            if isinstance(value, int | float)
        }
    )
    found = {
        "gate": {"source": gate.source, "digest": gate.digest, **gate.marks.as_dict()},
        "figures": {name: each.as_dict() for name, each in figures.items()},
        "speedup": asdict(gained) if gained else None,
        "misses": misses,
    }
    if misses:
        run.log_dict({"candidate": target.uri, "who": who(), "when": now(), **found}, _ARTIFACT)
        tags = {"gate": "failed", "gate_misses": "; ".join(misses), "gate_run_id": run.run_id}
        _tag_all(target, tags)
        msg = f"{target.uri} misses the gate: {'; '.join(misses)}: the champion stays"
        raise GateError(msg)
    return found


_ARTIFACT = "promotion.json"


def _measure(
    versions: Mapping[str, Version | None],
    dataset: PreparedDataset,
    marks: GateOptions,
    options: PromoteEntry,
    *,
    folder: Path,
) -> tuple[dict[str, Figures], str | None, SpeedUp | None]:
    """Return each version's figures, why parity fails if it does, and the gain on the dense one."""
    there = {name: version for name, version in versions.items() if version is not None}
    paths = {}
    for name, version in there.items():
        (folder / name).mkdir()
        paths[name] = download_graph(version, into=folder / name)
        check_classes(paths[name], dataset.labels, where=f"the data set {dataset.name}")
        seen = overlap(read_metadata(paths[name]).get("train_videos"), dataset, who=version.uri)
        if seen is not None:
            msg = f"{seen}: a gate needs videos that no network has seen: the champion stays"
            raise GateError(msg)
    # What is served already may be an old file: it must not bar the way to a better one.
    sessions = open_together(paths, marks, recorded=("candidate",))
    graphs = {name: _graph(version, paths[name], sessions[name]) for name, version in there.items()}
    shapes = {name: graph.protocol.clip_shape for name, graph in graphs.items()}
    latencies = time_together(sessions, shapes, marks)
    figures = {}
    for name, graph in graphs.items():
        scores = score_subset(
            classify_with_session(graph.session),
            dataset,
            graph.protocol,
            subset="test",
            n_threads=options.n_threads,
        )
        figures[name] = Figures(
            version=graph.version.uri,
            video_top1=scores.video_topk(1),
            video_top1_low=scores.video_top1_low(),
            largest_class=largest_class_share(dataset),
            answers=scores.answers(),
            clip_top1=scores.clip_top1,
            test_videos=len(scores.labels),
            p50_ms=latencies[name].p50_ms,
            p95_ms=latencies[name].p95_ms,
            runtime=graph.session.runtime,
            size_bytes=graph.path.stat().st_size,
            dataset=str(graph.metadata["dataset"]),
            split=str(graph.metadata["split"]),
            data_digest=str(graph.metadata["data_digest"]),
            protocol=graph.protocol.view,
            clip=graph.protocol.text,
            clips_per_video=graph.protocol.mean_clips(
                video.n_frames for video in dataset.videos("test")
            ),
        )
    parity = _parity_error(graphs["candidate"], dataset, marks) if marks.parity else None
    gained = None
    if "dense" in there:
        # By the video, as the gate judges it.
        fewer_clips = figures["dense"].clips_per_video / figures["candidate"].clips_per_video
        gained = speed_up(latencies["dense"], latencies["candidate"]).scaled(fewer_clips)
    return figures, parity, gained


def _graph(version: Version, path: Path, session: Session) -> _Graph:
    metadata = read_metadata(path)
    missing = {"clip", "dataset", "split", "data_digest", "labels"} - set(metadata)
    if missing:
        msg = f"{version.uri}: its graph does not say its {', '.join(sorted(missing))}: export it"
        raise ExportError(msg)
    return _Graph(version=graph_version(version), path=path, session=session, metadata=metadata)


def _parity_error(graph: _Graph, dataset: PreparedDataset, marks: GateOptions) -> str | None:
    checkpoint = versions_together(graph.version).get("")
    if checkpoint is None:
        return "parity: the checkpoint that the graph was exported from is not registered"
    try:
        dev_parity(fetch_network(checkpoint), graph.session, dataset, videos=marks.parity_videos)
    except ExportError as error:
        return str(error)
    return None


def _dense(version: Version) -> Version | None:
    """Return the dense version that a version was made from; None when it is dense itself."""
    seen = {version.uri}
    current = version
    while current.tags.get("role") != "dense":
        parent = current.tags.get("parent")
        if parent is None or parent in seen:
            msg = (
                f"{version.uri}: names no dense version that it was made from (tag parent): there "
                "is nothing to compare it with"
            )
            raise TrackingError(msg)
        seen.add(parent)
        current = get_version(parent)
    return None if current is version else current


def _wrong_data(candidate: Figures, dataset: PreparedDataset) -> list[str]:
    if candidate.dataset == dataset.name and candidate.data_digest != dataset.digest:
        return [
            f"the prepared data {dataset.name} ({dataset.digest[:12]}) are not those it was "
            f"trained on ({candidate.data_digest[:12]}): test videos may be training videos"
        ]
    return []


def _rows(figures: Mapping[str, Figures]) -> list[list[str]]:
    each = list(figures.values())
    return [
        ["", *figures],
        ["version", *(f.version.removeprefix("models:/") for f in each)],
        ["video top-1", *(f"{f.video_top1:.1%} of {f.test_videos}" for f in each)],
        ["video top-1, 95 % from", *(f"{f.video_top1_low:.1%}" for f in each)],
        ["largest class", *(f"{f.largest_class:.1%}" for f in each)],
        ["classes named", *(f"{sum(map(bool, f.answers))} of {len(f.answers)}" for f in each)],
        ["clip top-1", *(f"{f.clip_top1:.1%}" for f in each)],
        ["clip", *(f"{f.clip}, {f.clips_per_video:.2f} a video" for f in each)],
        ["latency p50", *(f"{f.p50_ms:.2f} ms" for f in each)],
        ["latency p95", *(f"{f.p95_ms:.2f} ms" for f in each)],
        ["file size", *(f"{f.size_bytes / 1e6:.2f} MB" for f in each)],
        ["runtime", *(f.runtime for f in each)],
    ]


def _record(record: Mapping[str, Any], target: Version, run: Run) -> None:
    run.log_dict(record, _ARTIFACT)
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
    _tag_all(target, tags)


def _tag_all(target: Version, tags: Mapping[str, str]) -> None:
    for version in versions_together(target).values():
        tag_version(version, tags)


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
