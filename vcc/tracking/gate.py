"""The promotion gate: which marks a candidate misses, judged on measured figures alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vcc.config.yaml_files.gate_marks import GateOptions
from vcc.config.yaml_files.strict import line_of, read_yaml
from vcc.errors import ConfigError

SHIPPED = Path(__file__).with_name("gate.yaml")

# A drop of exactly a point must pass though 0.90 - 0.89 is a little over 0.01 in binary.
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class PromotionGate:
    """Marks, and the file they came from."""

    marks: GateOptions
    source: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class GateFigures:
    """What was measured on one registered graph.

    Attributes:
        version: its URI.
        video_top1: share of test videos, 0..1.
        clip_top1: share of their clips, 0..1.
        test_videos: how many videos those are.
        p50_ms: median time of one run.
        p95_ms: 95th percentile of it.
        runtime: what really ran it.
        size_bytes: of the file.
        dataset: what it was trained on.
        split: official split it was trained on.
        data_digest: digest of that data.
        protocol: what of a frame it is shown, see `ClipProtocol.view`.
        clip: frames x height x width that it takes.
        clips_per_video: mean number of clips that a test video is cut into.
        video_top1_low: lower end of video top-1's 95 % interval, by Wilson, 0..1.
        largest_class: share of the test videos' most frequent class, 0..1.
        answers: how many test videos it gave each class, in the order of the classes.
    """

    version: str
    video_top1: float
    clip_top1: float
    test_videos: int
    p50_ms: float
    p95_ms: float
    runtime: str
    size_bytes: int
    dataset: str
    split: str
    data_digest: str
    protocol: str
    clip: str = ""
    clips_per_video: float = 1.0
    video_top1_low: float = 1.0
    largest_class: float = 0.0
    answers: tuple[int, ...] = ()

    @property
    def video_ms(self) -> float:
        """Median time of a run times the clips of a video."""
        return self.p50_ms * self.clips_per_video

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return asdict(self)


def load_gate(path: Path | None) -> PromotionGate:
    """Read a gate file, the shipped one when none is given.

    Raises:
        ConfigError: it is missing, not YAML, or has an unknown key or a bad value.
    """
    source = path or SHIPPED
    try:
        text = source.read_text("utf-8")
    except OSError as error:
        msg = f"gate: {source}: cannot be read: {error.strerror}"
        raise ConfigError(msg) from None
    except ValueError as error:
        msg = f"gate: {source}: not text: {error}"
        raise ConfigError(msg) from None
    content = read_yaml(text, where=f"gate: {source}")
    if not isinstance(content, dict):
        msg = f"gate: {source}: is a mapping of marks, such as `drop_from_dense: 0.03`"
        raise ConfigError(msg)
    return PromotionGate(
        marks=_marks(content, text, source),
        source=source.name if path is None else str(source),
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )


def _marks(content: dict[Any, Any], text: str, source: Path) -> GateOptions:
    try:
        return GateOptions.from_mapping(content, where=str(source))
    except ConfigError as error:
        # The message begins with the mark, or names the file already.
        line = line_of(text, str(error).split(":", 1)[0])
        where = f"gate: {source}: line {line}: " if line else ""
        msg = f"{where}{error}"
        raise ConfigError(msg) from None


def find_misses(
    marks: GateOptions,
    candidate: GateFigures,
    *,
    dense: GateFigures | None,
    champion: GateFigures | None,
    parity_error: str | None,
) -> list[str]:
    """Return one line per mark that the candidate misses; none when it passes.

    Args:
        marks: what to reach.
        candidate: the version to promote.
        dense: the baseline it was compressed from; None when it is dense itself.
        champion: the present champion; None when there is none.
        parity_error: how the file differs from its checkpoint; None when it does not.
    """
    misses = list(_own_misses(marks, candidate, parity_error))
    compared = (
        ("champion", champion, marks.drop_from_champion),
        ("dense baseline", dense, marks.drop_from_dense),
    )
    for name, other, allowed in compared:
        if other is not None:
            misses += _differences(name, candidate, other)
            misses += _drop(name, candidate, other, allowed)
    if dense is not None and marks.speedup is not None:
        speedup = dense.video_ms / candidate.video_ms
        # Accuracy is that of whole videos, and more of cheaper clips may be no gain.
        whole = "" if candidate.clip == dense.clip else ", by the video"
        # The negation also catches figures that are not numbers, here and below.
        if not speedup >= marks.speedup:
            misses.append(
                f"{speedup:.2f}x as fast as the dense baseline at p50{whole}, at least "
                f"{marks.speedup:g}x wanted"
            )
    return misses


def _own_misses(
    marks: GateOptions, candidate: GateFigures, parity_error: str | None
) -> Iterator[str]:
    if parity_error is not None:
        yield parity_error
    if candidate.test_videos < marks.test_videos:
        yield f"{candidate.test_videos} test videos, at least {marks.test_videos} wanted"
    yield from _too_inaccurate(marks, candidate)
    if marks.p95_ms is not None and not candidate.p95_ms <= marks.p95_ms:
        yield (
            f"p95 {candidate.p95_ms:.2f} ms on {candidate.runtime}, at most {marks.p95_ms:g} "
            "allowed"
        )
    if marks.size_mb is not None and candidate.size_bytes > 1e6 * marks.size_mb:
        yield f"{candidate.size_bytes / 1e6:.2f} MB large, at most {marks.size_mb:g} allowed"


def _too_inaccurate(marks: GateOptions, candidate: GateFigures) -> Iterator[str]:
    # Negations, since a figure that is not a number reaches no mark.
    if marks.video_top1 is not None and not candidate.video_top1 >= marks.video_top1 - _ROUNDING:
        yield f"video top-1 {candidate.video_top1:.1%}, at least {marks.video_top1:.1%} wanted"
    if len(candidate.answers) > 1 and sum(count > 0 for count in candidate.answers) == 1:
        yield f"names one class only, for all {sum(candidate.answers)} test videos"
    elif marks.above_largest_class and not candidate.video_top1_low > candidate.largest_class:
        yield (
            f"video top-1 {candidate.video_top1:.1%} (at least {candidate.video_top1_low:.1%} by "
            f"its 95 % interval) is not above the largest class's share of the test videos, "
            f"{candidate.largest_class:.1%}, by more than chance"
        )


def _drop(
    name: str, candidate: GateFigures, other: GateFigures, allowed: float | None
) -> Iterator[str]:
    drop = other.video_top1 - candidate.video_top1
    if allowed is not None and not drop <= allowed + _ROUNDING:
        yield (
            f"video top-1 {candidate.video_top1:.1%} is {100 * drop:.1f} points below the "
            f"{name}'s {other.video_top1:.1%}, at most {100 * allowed:g} allowed"
        )


def _differences(name: str, candidate: GateFigures, other: GateFigures) -> Iterator[str]:
    same: Mapping[str, tuple[object, object]] = {
        "split": (
            (candidate.dataset, candidate.split, candidate.data_digest),
            (other.dataset, other.split, other.data_digest),
        ),
        "protocol": (candidate.protocol, other.protocol),
        "runtime": (candidate.runtime, other.runtime),
    }
    for what, (own, others) in same.items():
        if own != others:
            yield f"another {what} than the {name}'s: the figures cannot be compared"
