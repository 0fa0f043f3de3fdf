"""What a user can set about the search for a compression that meets a target."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vcc.config.export import PROVIDERS
from vcc.config.options import LARGEST_SEED, Options, option
from vcc.errors import ConfigError

TARGETS = ("target_latency_ms", "target_speedup", "target_macs", "target_size_mb")
DROP = "max_drop"
SAMPLERS = ("tpe", "nsga2")
# Values of `clips` that name no clip.
CLIPS_ON, CLIPS_OFF = ("true",), ("false",)
_CLIP = re.compile(r"([1-9]\d{0,5})x([1-9]\d{0,5})")
_SMALLEST_SIDE = 8


def clip_sizes(names: Sequence[str]) -> list[tuple[int, int]]:
    """Return frames and side of clips such as "8x112".

    Raises:
        ConfigError: one is no such clip.
    """
    found = []
    for name in names:
        parts = _CLIP.fullmatch(name)
        if parts is None or int(parts[2]) < _SMALLEST_SIDE:
            msg = (
                f"clips: {name!r} is no clip: write FRAMESxSIZE with a size of {_SMALLEST_SIDE} "
                "pixels or more, such as 8x112 (several: 8x112,16x80), or true alone"
            )
            raise ConfigError(msg)
        found.append((int(parts[1]), int(parts[2])))
    return found


@dataclass(frozen=True, kw_only=True)
class SearchOptions(Options):
    """What the network that is looked for may cost, and how long is looked for it."""

    target_latency_ms: float | None = option(
        None, "largest median time of a clip on provider, all cores, ms", above=0
    )
    target_speedup: float | None = option(
        None, "how many times faster than the dense network in PyTorch (eager, float32)", above=1
    )
    target_macs: float | None = option(
        None, "largest share of the dense network's multiply-accumulates", above=0, at_most=1
    )
    target_size_mb: float | None = option(
        None, "largest size of the exported file, megabytes (10^6 bytes)", above=0
    )
    max_drop: float | None = option(
        None,
        "dev video top-1 that it may cost against the dense network (0.01 is 1 point): what costs "
        "more is not registered; without a target, the fastest that costs no more is looked for; "
        "default: no matter",
        at_least=0,
        at_most=1,
    )
    provider: str = option(
        "auto", "what runs it; auto: CUDA, else OpenVINO, else the CPU", choices=PROVIDERS
    )
    trials: int = option(24, "candidates that are trained for a while and judged", at_least=1)
    trial_epochs: int = option(1, "epochs of such a training; 0: statistics only", at_least=0)
    trial_videos: int = option(200, "training videos of such a training", at_least=1)
    dev_videos: int = option(200, "dev videos that candidates are judged on", at_least=1)
    finalists: int = option(2, "candidates compressed in full; 0: only search", at_least=0)
    final_epochs: int = option(12, "epochs of a compression in full", at_least=3)
    budget_minutes: float = option(
        0.0, "begin no further candidate after so many minutes; 0: no limit", at_least=0
    )
    estimate_only: bool = option(False, "print how long it would take and search nothing")
    clips: tuple[str, ...] = option(
        (),
        "clips to try beside the network's own: true (half of the frames, of the pixels, of both), "
        "or FRAMESxSIZE, such as 8x112,16x80; default: none",
    )
    sampler: str = option("tpe", "Optuna's sampler: TPE or NSGA-II", choices=SAMPLERS)
    storage: str | None = option(
        None,
        "database of the search, such as postgresql://HOST/NAME, that several machines work on; "
        "default: an SQLite file in output",
    )
    output: Path = option(
        Path("searches"), "folder of searches, each in one of its own; the same command goes on"
    )
    register: bool = option(True, "register the best one that holds its marks as challenger")
    manual_seed: int = option(
        1, "seed of sampling and of draws of videos", at_least=0, at_most=LARGEST_SEED
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        clip_sizes(self.clips if self.clips not in (CLIPS_ON, CLIPS_OFF) else ())
        # Options are recorded in the run, for everybody who may read it.
        if self.storage is not None and re.match(r"[^/]*://[^/@]*:[^/]*@", self.storage):
            msg = (
                "storage: holds a password, which the run would show: leave it out and give it by "
                "the driver's own way, such as PGPASSWORD or ~/.pgpass"
            )
            raise ConfigError(msg)

    @property
    def target(self) -> tuple[str, float]:
        """Name and value of the target; `max_drop` is one where there is no other.

        Raises:
            ConfigError: there is not exactly one.
        """
        given = {name: getattr(self, name) for name in TARGETS}
        given = {name: value for name, value in given.items() if value is not None}
        if not given and self.max_drop is not None:
            return DROP, float(self.max_drop)
        if len(given) != 1:
            what = f"{' and '.join(given)} are given" if given else "none is given"
            msg = (
                f"one target is needed, {what}: set one of {', '.join(TARGETS)}, or {DROP} alone "
                "for the fastest that costs no more accuracy"
            )
            raise ConfigError(msg)
        name, value = given.popitem()
        return name, float(value)
