"""The gate that a version passes before it becomes champion, as a YAML file of these options."""

from __future__ import annotations

from dataclasses import dataclass

from vcc.config.export import PROVIDERS
from vcc.config.options import Options, option


@dataclass(frozen=True, kw_only=True)
class GateOptions(Options):
    """Marks that a candidate must reach; one left unset (null) is not looked at.

    That its split and data are those of what it is compared with, and the crop of its frames, is
    always asked for; frames, stride and size of its clips may differ.
    """

    provider: str = option("cpu", "what runs the graphs", choices=PROVIDERS)
    drop_from_champion: float | None = option(
        0.01, "largest loss of video top-1 against the champion (0.01 is a point)", at_most=1
    )
    drop_from_dense: float | None = option(
        0.03, "largest loss of video top-1 against the dense baseline", at_most=1
    )
    speedup: float | None = option(
        1.0,
        "smallest ratio of the dense file's p50 to the candidate's, each times its clips per video",
        above=0,
    )
    p95_ms: float | None = option(None, "largest p95 of a run on the provider, ms", above=0)
    size_mb: float | None = option(None, "largest file, MB (10^6 bytes)", above=0)
    parity: bool = option(True, "the file must say what its checkpoint says on dev videos")
    parity_videos: int = option(16, "dev videos for that", at_least=1)
    video_top1: float | None = option(
        None, "least video top-1, whatever it is compared with", at_least=0, at_most=1
    )
    above_largest_class: bool = option(
        True,
        "the lower end of video top-1's 95 % interval must exceed the largest class's share",
    )
    test_videos: int = option(1, "fewest test videos that an accuracy counts on", at_least=1)
    latency_runs: int = option(50, "timed runs of each graph, taken in turns", at_least=5)
    latency_warmup: int = option(5, "untimed runs before that", at_least=0)
    latency_batch: int = option(1, "clips per timed run", at_least=1)
    latency_threads: int = option(0, "CPU threads of the runtime; 0: all cores", at_least=0)
