"""Exported files in a runtime: opened alike, timed in turns, compared with their networks."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import torch

from vcc.data.loaders import video_loader
from vcc.data.prepared import PreparedDataset
from vcc.export.benchmark import Latency, measure_latency
from vcc.export.overflow import refuse_overflow
from vcc.export.parity import Parity, check_parity
from vcc.export.runtimes import Session, choose_provider, open_session
from vcc.pipeline.card import Network
from vcc.pipeline.inference import classify_with_network


class RuntimeOptions(Protocol):
    """What `ExportOptions` and `GateOptions` say alike about running files."""

    @property
    def provider(self) -> str:
        """What runs the files; auto chooses."""

    @property
    def latency_threads(self) -> int:
        """CPU threads; 0: all cores."""

    @property
    def latency_batch(self) -> int:
        """Clips per timed run."""

    @property
    def latency_runs(self) -> int:
        """Timed runs of each file."""

    @property
    def latency_warmup(self) -> int:
        """Untimed runs before."""


def open_together(
    paths: Mapping[str, Path],
    options: RuntimeOptions,
    *,
    precision: str = "auto",
    allow_fallback: bool = False,
    recorded: Iterable[str] | None = None,
) -> dict[str, Session]:
    """Open files that are compared: on one runtime, since a ratio of two says nothing of networks.

    Args:
        paths: name -> file.
        options: what runs them.
        precision: what float files compute in.
        allow_fallback: run on the CPU what cannot run where it was asked to.
        recorded: names of those whose figures go on record: one whose int8 sums saturate on this
            processor is refused, where others only warn; None: all.

    Raises:
        ExportError: one of them cannot be run there, or not rightly.
    """
    provider = choose_provider(options.provider, paths.values())
    refuse_overflow([paths[name] for name in (paths if recorded is None else recorded)], provider)
    return {
        name: open_session(
            path,
            provider=provider,
            threads=options.latency_threads,
            precision=precision,
            allow_fallback=allow_fallback,
        )
        for name, path in paths.items()
    }


def time_together(
    sessions: Mapping[str, Session],
    clip_shapes: Mapping[str, tuple[int, int, int, int]],
    options: RuntimeOptions,
) -> dict[str, Latency]:
    """Time sessions in turns, as the options say."""
    return measure_latency(
        sessions,
        clip_shapes,
        batch=options.latency_batch,
        runs=options.latency_runs,
        warmup=options.latency_warmup,
    )


def dev_parity(
    network: Network, session: Session, dataset: PreparedDataset, *, videos: int
) -> Parity:
    """Compare a network and its exported file on the first `videos` dev videos.

    Raises:
        ExportError: they differ by more than float32 arithmetic explains.
    """
    # Dev videos: the test list is looked at only to score the finished file.
    loader = video_loader(dataset, "dev", network.card.protocol, n_threads=0, clips_per_batch=4)
    classify = classify_with_network(network.classifier(), torch.device("cpu"))
    first_videos = itertools.takewhile(lambda batch: int(batch.videos.min()) < videos, loader)
    return check_parity(classify, session, first_videos)


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
