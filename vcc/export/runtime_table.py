"""Every runtime of this machine against every network: timed in turns, with the dense ones beside.

A row that could not be run says why instead of being left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from torch import nn

from vcc.config.export import RUNTIMES
from vcc.data.machine import usable_cores
from vcc.errors import ExportError, one_line
from vcc.export.benchmark import Latency, measure_latency, speed_up
from vcc.export.onnx_file import half_precision, inspect_file
from vcc.export.runtimes.catalog import open_session, provider_of
from vcc.export.runtimes.eager import EagerSession
from vcc.export.runtimes.file_memory import Asked, peak_bytes
from vcc.export.runtimes.session import Coverage, Session
from vcc.progress import follow

EAGER = ("eager", "f32")
_ROUNDS_OF_LARGE_BATCHES = 5


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A network to time.

    Attributes:
        path: its exported file.
        clip_shape: (3, T, H, W).
        classifier: itself, to be timed in PyTorch; None where that would time fake quantization.
    """

    path: Path
    clip_shape: tuple[int, int, int, int]
    classifier: nn.Module | None


@dataclass(frozen=True, kw_only=True)
class Row:
    """One network on one runtime.

    Attributes:
        network: its name.
        runtime: provider that was asked for, or what ran.
        precision: what was asked for, or what it computed in.
        batch: clips per run.
        latency: times; None where it was not run.
        reason: why it was not run; "" where it was.
        memory_bytes: what loading the file and running it once at this batch adds, at its peak, to
            a process that has done nothing else; not a GPU's. None in PyTorch, or if not run.
    """

    network: str
    runtime: str
    precision: str
    batch: int
    latency: Latency | None
    reason: str = ""
    memory_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class RuntimeTable:
    """Rows of several networks; the first network is the dense one.

    Attributes:
        rows: in order of batch, network and runtime.
        coverages: what runs in int8, of every quantized network that was run.
        threads: CPU threads of every row.
        unweighed: why the memory of a row that was timed is not known, a line each.
    """

    rows: tuple[Row, ...]
    coverages: tuple[tuple[str, Coverage], ...]
    threads: int
    unweighed: tuple[str, ...] = ()

    def find(self, network: str, runtime: str, precision: str, batch: int) -> Latency | None:
        """Return the times of a row, None if there are none."""
        key = (network, runtime, precision, batch)
        for row in self.rows:
            if (row.network, row.runtime, row.precision, row.batch) == key:
                return row.latency
        return None

    def cells(self) -> list[list[str]]:
        """Return header and rows of text; speed-ups are against the dense network's rows."""
        header = ["network", "runtime", "precision", "batch", "p50 ms", "p90", "p95", "p99",
                  "clips/s", "MB", "vs eager", "vs dense ORT f32", "vs dense there"]  # fmt: skip
        return [header, *(self._cells_of(row) for row in self.rows)]

    def not_run(self) -> list[str]:
        """Return why rows were not run or not weighed, a line for each reason."""
        rows: dict[str, list[str]] = {}
        for row in self.rows:
            what = f"{row.runtime} {row.precision}"
            if row.reason and what not in rows.setdefault(row.reason, []):
                rows[row.reason].append(what)
        lines = [f"not run: {', '.join(what)}: {reason}" for reason, what in rows.items()]
        return [*lines, *self.unweighed]

    def metrics(self) -> dict[str, float]:
        """Return medians and memory under their logged names, `runtime_ms.<network>.<...>`."""
        found = {}
        for row in self.rows:
            if row.latency is not None:
                words = (row.network, row.runtime.replace(" ", "_"), row.precision, f"b{row.batch}")
                found["runtime_ms." + ".".join(words)] = row.latency.p50_ms
                if row.memory_bytes is not None:
                    found["runtime_mb." + ".".join(words)] = row.memory_bytes / 1e6
        return found

    def _cells_of(self, row: Row) -> list[str]:
        words = [row.network, row.runtime, row.precision, str(row.batch)]
        if row.latency is None:
            return [*words, "not run", *[""] * 8]
        dense = self.rows[0].network
        at = row.latency
        references = (
            self.find(dense, EagerSession.runtime, "f32", row.batch),
            self.find(dense, "onnxruntime CPU", "f32", row.batch),
            # Against the dense network at its best precision there would be another comparison.
            self.find(dense, row.runtime, "f32", row.batch),
        )
        times = (at.p50_ms, at.p90_ms, at.p95_ms, at.p99_ms)
        return [
            *words,
            *(f"{ms:.2f}" for ms in times),
            f"{at.clips_per_second:.1f}",
            "" if row.memory_bytes is None else f"{row.memory_bytes / 1e6:.0f}",
            *(speed_up(dense_row, at).as_text() if dense_row and dense_row is not at else ""
              for dense_row in references),
        ]  # fmt: skip


def time_runtimes(
    candidates: Mapping[str, Candidate],
    *,
    batches: Sequence[int],
    runs: int,
    warmup: int,
    threads: int,
    folder: Path,
) -> RuntimeTable:
    """Time networks on every runtime that starts here.

    Args:
        candidates: name -> network; the first is what the others are compared with.
        batches: clips per run; larger ones are timed less often.
        runs: timed runs at the smallest batch.
        warmup: untimed runs before.
        threads: CPU threads of each; 0 means one per core that this process may use.
        folder: where float16 copies go; it exists.
    """
    threads = threads or usable_cores()
    bench = _Bench(candidates, folder)
    bench.open_all(threads)
    rows: list[Row] = []
    for batch in batches:
        bench.weigh(batch, threads)
        share = min(batches) / batch
        times = bench.time(
            batch,
            runs=max(_ROUNDS_OF_LARGE_BATCHES, int(runs * share)),
            warmup=max(1, int(warmup * share)),
        )
        rows += [bench.row(key, batch, times.get("|".join(key))) for key in bench.every_row()]
    return RuntimeTable(
        rows=tuple(rows),
        coverages=bench.coverages(),
        threads=threads,
        unweighed=tuple(dict.fromkeys(bench.unweighed)),
    )


# network, provider and precision
_Key = tuple[str, str, str]


@dataclass
class _Bench:
    """The sessions of a table, and what they took so far."""

    candidates: Mapping[str, Candidate]
    folder: Path
    sessions: dict[_Key, Session] = field(default_factory=dict)
    reasons: dict[_Key, str] = field(default_factory=dict)
    memory: dict[_Key, int] = field(default_factory=dict)
    unweighed: list[str] = field(default_factory=list)

    def every_row(self) -> list[_Key]:
        """Return every row that a batch size has, run or not."""
        return [
            (name, provider, precision)
            for name, candidate in self.candidates.items()
            for provider, precision in _runtimes_of(candidate)
        ]

    def open_all(self, threads: int) -> None:
        """Open what starts here, and note why the rest does not."""
        for key in self.every_row():
            name, provider, precision = key
            candidate = self.candidates[name]
            try:
                self.sessions[key] = _open(candidate, provider, precision, threads, self.folder)
            except ExportError as error:
                self.reasons[key] = one_line(error, at_most=120)

    def weigh(self, batch: int, threads: int) -> None:
        """Measure the memory of each file; a network in PyTorch has no process of its own."""
        for key in follow(self.sessions, "measuring memory", unit="rows"):
            name, provider, precision = key
            candidate = self.candidates[name]
            if provider == "eager":
                continue
            path, precision = _file_of(candidate, provider, precision, self.folder)
            asked = Asked(
                path=path,
                provider=provider,
                precision=precision,
                threads=threads,
                shape=(batch, *candidate.clip_shape),
            )
            try:
                self.memory[key] = peak_bytes(asked)
            except ExportError as error:
                # A device may take no second process: its rows have times and no memory.
                self.unweighed.append(f"{name}: {one_line(error, at_most=160)}")

    def time(self, batch: int, *, runs: int, warmup: int) -> dict[str, Latency]:
        """Time all sessions in turns."""
        return measure_latency(
            {"|".join(key): session for key, session in self.sessions.items()},
            {"|".join(key): self.candidates[key[0]].clip_shape for key in self.sessions},
            batch=batch,
            runs=runs,
            warmup=warmup,
        )

    def row(self, key: _Key, batch: int, latency: Latency | None) -> Row:
        """Return a row of the table."""
        name, provider, precision = key
        return Row(
            network=name,
            runtime=latency.runtime if latency else provider,
            precision=latency.precision if latency else precision,
            batch=batch,
            latency=latency,
            reason=self.reasons.get(key, ""),
            memory_bytes=self.memory.get(key) if latency else None,
        )

    def coverages(self) -> tuple[tuple[str, Coverage], ...]:
        """Return what runs in int8, of every quantized network that was run."""
        return tuple(
            (key[0], session.coverage())
            for key, session in self.sessions.items()
            if session.precision == "int8"
        )


def _runtimes_of(candidate: Candidate) -> list[tuple[str, str]]:
    """Return provider and precision of every row, those on a GPU last."""
    every = [(name, provider_of(name)) for name in RUNTIMES]
    every.sort(key=lambda each: each[1].on_gpu)
    if inspect_file(candidate.path).quantized:
        return [(name, "int8") for name, runtime in every if runtime.int8_target is not None]
    eager = [EAGER] if candidate.classifier is not None else []
    return [*eager, *((name, asked) for name, runtime in every for asked in runtime.timed)]


def _open(
    candidate: Candidate, provider: str, precision: str, threads: int, folder: Path
) -> Session:
    if provider == "eager" and candidate.classifier is not None:
        return EagerSession(candidate.classifier, threads=threads)
    if _is_halved(provider, precision):
        # Checked first: there is no need of a copy where nothing will run it.
        open_session(candidate.path, provider=provider, threads=threads)
    path, asked = _file_of(candidate, provider, precision, folder)
    return open_session(path, provider=provider, threads=threads, precision=asked)


def _is_halved(provider: str, precision: str) -> bool:
    return precision == "f16" and provider_of(provider).halves_file


def _file_of(candidate: Candidate, provider: str, precision: str, folder: Path) -> tuple[Path, str]:
    """Return the file that a row runs, and the precision that is asked of the runtime."""
    path = candidate.path
    if _is_halved(provider, precision):
        half = folder / f"{path.stem}-f16.onnx"
        path = half if half.is_file() else half_precision(path, half)
    return path, "auto" if precision == "int8" else precision
