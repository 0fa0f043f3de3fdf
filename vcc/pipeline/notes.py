"""The description of a run: what was done and what came out, in a paragraph."""

from __future__ import annotations

from collections.abc import Mapping

from vcc.data.clips.protocol import ClipProtocol
from vcc.data.store.prepared import PreparedDataset
from vcc.evaluation.comparison import Variant, clip_sentence, speed_up
from vcc.pipeline.card import NetworkCard


def prepared_note(dataset: PreparedDataset) -> str:
    """Return what `prepare` made."""
    counts = ", ".join(
        f"{len(dataset.videos(subset))} {subset}" for subset in ("train", "dev", "test")
    )
    return (
        f"Prepared {dataset.name} ({dataset.split}): {len(dataset.labels)} classes, {counts} "
        f"videos, in a {dataset.manifest.store} frame store; digest {dataset.digest[:12]}."
    )


def trained_note(card: NetworkCard, version: str, figures: Mapping[str, float]) -> str:
    """Return what `train` did; `figures` are those of `size_figures`."""
    frames, size = card.clip_shape[1:3]
    return (
        f"Trained {card.arch} on {card.dataset} ({card.split}) for {card.training.n_epochs} epochs "
        f"by {card.training.optimizer}, in clips of {frames} frames of {size} pixels. It has "
        f"{figures['params']:,.0f} parameters and takes {figures['macs'] / 1e6:,.1f} million "
        f"multiply-accumulates a clip. Registered as {version}, alias baseline."
    )


def compressed_note(
    card: NetworkCard,
    version: str,
    *,
    before: Mapping[str, float],
    after: Mapping[str, float],
    dense: ClipProtocol | None = None,
) -> str:
    """Return what a compression did.

    Args:
        card: of what came out.
        version: where it is registered.
        before: `size_figures` of the dense network on its own clips.
        after: those of the compressed one on its own.
        dense: which clips those of the dense network are; None: the same.
    """
    own = card.protocol
    clips = f" (clips of {dense.text} -> {own.text})" if dense and dense != own else ""
    taught = f", taught by {card.teacher}" if card.teacher else ""
    return (
        f"Compressed {card.arch} on {card.dataset} by {card.schedule}{taught}: "
        f"{' > '.join(card.lineage)}. Parameters {before['params']:,.0f} -> "
        f"{after['params']:,.0f}, multiply-accumulates {before['macs'] / 1e6:,.1f} -> "
        f"{after['macs'] / 1e6:,.1f} million a clip{clips}, {after['sparsity']:.1%} of the "
        f"weights left are zero. Registered as {version}, alias challenger. Its accuracy on "
        "test videos and its latency are measured by `evaluate` and `export`."
    )


def evaluated_note(card: NetworkCard, figures: Mapping[str, float]) -> str:
    """Return what `evaluate` found."""
    return (
        f"{card.arch} ({card.method}) on {figures['test_videos']:.0f} test videos of "
        f"{card.dataset} ({card.split}): video top-1 {figures['video_top1']:.1%}, clip top-1 "
        f"{figures['clip_top1']:.1%}, expected calibration error {figures['ece']:.1%}."
    )


def version_note(made: Variant, card: NetworkCard) -> str:
    """Return what a registered file is, short enough for a cell of a list."""
    return (
        f"{card.arch}, {card.method}: {made.video_top1:.1%} of {made.test_videos} test videos, "
        f"{made.latency_p50_ms:.2f} ms on {made.runtime}, {made.size_bytes / 1e6:.2f} MB"
    )


def exported_note(card: NetworkCard, made: Variant, version: str, *, dense: Variant | None) -> str:
    """Return what `export` measured, against the dense file where there is one."""
    against = other_clips = ""
    if dense is not None and dense is not made:
        against = (
            f", {speed_up(dense, made):.2f} times the speed of the dense file, which took "
            f"{dense.latency_p50_ms:.2f} ms in the same run"
        )
        other_clips = clip_sentence(dense, made)
    return (
        f"Exported {card.arch} ({card.method}) of {card.dataset}: {made.size_bytes / 1e6:.2f} MB, "
        f"video top-1 {made.video_top1:.1%} of {made.test_videos} test videos, median "
        f"{made.latency_p50_ms:.2f} ms on {made.runtime}{against}. "
        f"{other_clips}{' ' if other_clips else ''}Registered as {version}."
    )


def sensitivity_note(
    card: NetworkCard, *, group: str, layers: int, levels: int, videos: int, sparsity: float
) -> str:
    """Return what a sensitivity analysis found; `sparsity` is the proposal's, 0..1."""
    return (
        f"Pruned each of {layers} layers of {card.arch} ({card.method}) alone by {group}, at "
        f"{levels} levels, and measured it on {videos} dev videos of {card.dataset}. The proposal "
        f"takes {sparsity:.1%} of these layers' weights."
    )


def clip_sensitivity_note(card: NetworkCard, *, clips: int, videos: int) -> str:
    """Return what a clip sensitivity measured."""
    return (
        f"Showed {card.arch} ({card.method}) {clips} kinds of clips of {videos} dev videos of "
        f"{card.dataset}, without training it for them. Its own are {card.protocol.text}."
    )


def predicted_note(source: str, runtime: str, *, videos: int, bad: int, seconds: float) -> str:
    """Return what `predict` did."""
    return (
        f"Classified {videos - bad} of {videos} videos with {source} on {runtime} in "
        f"{seconds:.1f} s; {bad} could not be read."
    )


def rolled_back_note(champion: str, before: str | None, why: str) -> str:
    """Return what a rollback moved."""
    return f"Gave champion back to {champion} from {before or 'nobody'}: {why}."
