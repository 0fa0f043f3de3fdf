"""What the registry and earlier runs say of every version that is compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from vcc.errors import TrackingError, nearest
from vcc.evaluation.intervals import ConfidenceInterval, wilson_interval
from vcc.tracking.inventory import Registration, read_registry
from vcc.tracking.registry import ONNX_SUFFIX, PREFIX, Version
from vcc.tracking.versions_together import CHAMPION, base_name
from vcc.tracking.views import (
    RecordedRun,
    find_experiment,
    measured_by,
    recorded_run,
    registry_address,
    runs_of_experiment,
)

_TIME = "runtime_ms."
_STAGES = " > "
# A runtime and what it computes in.
Runtime = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class TimedFile:
    """Milliseconds of one run of a version's file, and of the dense file in the same run.

    `dense_ms` is in float32 on the same runtime; None for a dense version, or where it was not
    timed.
    """

    ms: float
    dense_ms: float | None = None

    @property
    def speed_up(self) -> float | None:
        """How many times faster it is than the dense one."""
        return None if self.dense_ms is None else self.dense_ms / self.ms


@dataclass(frozen=True, kw_only=True)
class ComparedVersion:
    """A registered checkpoint, with what was measured on it and on its exported file.

    Attributes:
        version: of the checkpoint.
        aliases: of any of its forms.
        graph: its newest exported file; None where it was not exported.
        evaluated: the run that evaluated it last; None where none did.
        times: runtime and precision -> times of its file.
    """

    version: Version
    aliases: tuple[str, ...]
    graph: Version | None
    evaluated: str | None
    times: Mapping[Runtime, TimedFile]

    @property
    def name(self) -> str:
        """Short, and unique: "resnet18b-motion/2"."""
        return short_name(self.version.uri)

    @property
    def is_dense(self) -> bool:
        """Whether nothing was compressed."""
        return self.version.tags.get("role") == "dense"

    @property
    def stages(self) -> str:
        """What was done to its parent, such as "masked, thinned"; "" for a dense one."""
        steps = self.version.tags.get("lineage", "").split(_STAGES)
        last = max((n for n, step in enumerate(steps) if step.startswith("models:/")), default=-1)
        return ", ".join(step for step in steps[last + 1 :] if step not in ("", "unregistered"))

    @property
    def accuracy(self) -> ConfidenceInterval | None:
        """Video top-1 of the network with Wilson's interval; None where it was not evaluated."""
        share, videos = self.figure("video_top1"), self.figure("test_videos")
        if share is None or not videos:
            return None
        return wilson_interval(round(share * videos), int(videos))

    def figure(self, name: str) -> float | None:
        """Return a figure of the network by its logged name; None where it is not known."""
        return _number(self.version.tags.get(name))

    def file_figure(self, name: str) -> float | None:
        """Return a figure of the exported file; None where it is not known."""
        return None if self.graph is None else _number(self.graph.tags.get(name))

    @property
    def is_champion(self) -> bool:
        """Whether it is what is served."""
        return CHAMPION in self.aliases


def short_name(uri: str) -> str:
    """Return a version's URI without what every one of them has."""
    return uri.removeprefix("models:/").removeprefix(PREFIX)


def find_compared(*, name: str | None, experiment: str | None) -> list[ComparedVersion]:
    """Return the versions of a registered model, of an experiment's runs, or all, by name.

    Args:
        name: of the registered model, in any of its forms; None for every one.
        experiment: name or id of the experiment whose runs made them; None for any.

    Raises:
        TrackingError: there is none.
    """
    registrations = _chosen(read_registry(), name)
    runs = runs_of_experiment(find_experiment(experiment)) if experiment else None
    found = [
        _compared(version, registration)
        for registration in registrations
        for _, version in sorted(registration.forms[""].items())
        if runs is None or version.tags.get("run_id") in runs
    ]
    if not found:
        where = f"experiment {experiment!r} at " if experiment else ""
        msg = (
            f"compare: {where}{registry_address()} has no version of {name or 'this project'}: "
            "run train first, or name another store in MLFLOW_TRACKING_URI"
        )
        raise TrackingError(msg)
    return found


def _chosen(registrations: list[Registration], name: str | None) -> list[Registration]:
    if name is None:
        return registrations
    found = [each for each in registrations if each.base == base_name(name)]
    if not found:
        hint = nearest(name, [each.base for each in registrations])
        msg = f"name: no registered model at {registry_address()} is called {name!r}: {hint}"
        raise TrackingError(msg)
    return found


def _compared(version: Version, registration: Registration) -> ComparedVersion:
    graph = _graph_of(version, registration)
    return ComparedVersion(
        version=version,
        aliases=_aliases_of(version, registration),
        graph=graph,
        evaluated=measured_by(version, "test_videos"),
        times=_times_of(version, graph),
    )


def _graph_of(version: Version, registration: Registration) -> Version | None:
    made = [
        each
        for each in registration.forms[ONNX_SUFFIX].values()
        if registration.checkpoint_of(each) == version
    ]
    return max(made, key=lambda each: each.number, default=None)


def _aliases_of(version: Version, registration: Registration) -> tuple[str, ...]:
    """Return the aliases of a version and of the files that were exported from it."""
    found = [
        alias
        for (suffix, alias), number in registration.aliases.items()
        if (each := registration.forms[suffix].get(number)) is not None
        and (each == version or (suffix and registration.checkpoint_of(each) == version))
    ]
    return tuple(dict.fromkeys(found))


def _times_of(version: Version, graph: Version | None) -> dict[Runtime, TimedFile]:
    """Return the times of a version's file on every runtime, at the smallest batch."""
    if graph is None:
        return {}
    role = version.tags.get("role", "")
    found = dict(_of_role(_timed_in(recorded_run(graph.tags.get("run_id"))), role))
    own = graph.tags.get("runtime", ""), graph.tags.get("precision", "")
    p50 = _number(graph.tags.get("latency_p50_ms"))
    if own not in found and all(own) and p50 is not None:
        found[own] = TimedFile(ms=p50)
    return found


def _of_role(
    times: Mapping[tuple[str, str, str], float], role: str
) -> Iterator[tuple[Runtime, TimedFile]]:
    for (network, runtime, precision), ms in times.items():
        if network == role:
            dense = times.get(("dense", runtime, "f32")) if role != "dense" else None
            yield (runtime, precision), TimedFile(ms=ms, dense_ms=dense)


def _timed_in(run: RecordedRun | None) -> dict[tuple[str, str, str], float]:
    """Return network, runtime and precision -> milliseconds of a run, or else of its parent."""
    while run is not None:
        rows = list(_rows(run.metrics))
        if rows:
            smallest = min(batch for *_, batch, _ in rows)
            return {(n, r, p): ms for n, r, p, batch, ms in rows if batch == smallest}
        run = recorded_run(run.parent)
    return {}


def _rows(metrics: Mapping[str, float]) -> Iterable[tuple[str, str, str, int, float]]:
    for name, ms in metrics.items():
        # runtime_ms.NETWORK.RUNTIME.PRECISION.bBATCH
        words = name.removeprefix(_TIME).split(".")
        if not name.startswith(_TIME) or len(words) < 4 or not words[-1][1:].isdecimal():
            continue
        runtime = ".".join(words[1:-2]).replace("_", " ")
        yield words[0], runtime, words[-2], int(words[-1][1:]), ms


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
