"""An exported file with everything that was measured on it, and where that is recorded."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vcc.config.serving import ServingOptions
from vcc.evaluation.comparison import Variant
from vcc.export.benchmark import Latency
from vcc.export.layer_profile import Profile
from vcc.export.onnx_file import load_graph
from vcc.export.parity import Parity
from vcc.export.runtimes.session import Coverage
from vcc.pipeline.card import Network
from vcc.pipeline.evaluate.step import size_figures, video_cost
from vcc.pipeline.notes import version_note
from vcc.pipeline.tags import card_tags, metric_tags
from vcc.tracking.promotion_lock import promotion_lock
from vcc.tracking.registry import (
    ONNX_SUFFIX,
    VIDEO_SUFFIX,
    Version,
    describe_version,
    get_version,
    register_onnx,
    register_video,
    registered_name,
    set_alias,
    tag_version,
)
from vcc.tracking.runs import Run
from vcc.tracking.versions_together import versions_together


@dataclass(frozen=True, kw_only=True)
class Exported:
    """An exported file and everything measured on it.

    Attributes:
        network: what it was exported from.
        path: the file.
        size_bytes: its size.
        parity: how it agrees with the network.
        latency: how long a run takes.
        coverage: which of its layers run in int8 there.
        profile: what each of its layers takes there; None where the runtime does not say.
        quant_target: the runtime that its integers are made for; None for a float file.
        overflow: safe or fast, see `vcc.config.overflow`; None for a float file.
        clip_top1: of the file on the test videos, 0..1.
        video_top1: the same per video.
        test_videos: how many those are.
        clips_per_video: mean number of clips of such a video.
    """

    network: Network
    path: Path
    size_bytes: int
    parity: Parity
    latency: Latency
    coverage: Coverage
    profile: Profile | None
    quant_target: str | None
    overflow: str | None
    clip_top1: float
    video_top1: float
    test_videos: int
    clips_per_video: float

    def metrics(self) -> dict[str, float]:
        """Return the figures under their logged names."""
        return {
            **size_figures(self.network),
            **video_cost(self.network, self.clips_per_video),
            **self.parity.metrics(),
            **self.latency.metrics(),
            "size_bytes": float(self.size_bytes),
            "clip_top1": self.clip_top1,
            "video_top1": self.video_top1,
            **self._coverage_metrics(),
        }

    def tags(self) -> dict[str, str]:
        """Return what the figures were measured on, as tags."""
        return {
            "runtime": self.latency.runtime,
            "precision": self.latency.precision,
            **({"quant_target": self.quant_target} if self.quant_target else {}),
            **({"overflow": self.overflow} if self.overflow else {}),
        }

    def _coverage_metrics(self) -> dict[str, float]:
        nodes = self.coverage.nodes
        if self.quant_target is None or nodes is None:
            return {}
        return {"int8_layers": float(sum(node.int8 for node in nodes)), "layers": float(len(nodes))}

    def variant(self, name: str) -> Variant:
        """Return the figures as one column of the comparison table."""
        figures = size_figures(self.network)
        return Variant(
            name=name,
            params=int(figures["params"]),
            macs=int(figures["macs"]),
            sparsity=figures["sparsity"],
            size_bytes=self.size_bytes,
            clip_top1=self.clip_top1,
            video_top1=self.video_top1,
            test_videos=self.test_videos,
            latency_p50_ms=self.latency.p50_ms,
            latency_p95_ms=self.latency.p95_ms,
            runtime=self.latency.runtime,
            clip=self.network.card.protocol.text,
            clips_per_video=self.clips_per_video,
            rounds_ms=self.latency.rounds_ms,
        )


def log_exported(exported: Exported, run: Run, *, model_id: str | None = None) -> None:
    """Log an exported file's figures and what they were measured on."""
    card = exported.network.card
    run.set_tags({"arch": card.arch, "method": card.method, **exported.tags()})
    run.log_metrics(exported.metrics(), model_id=model_id)


def register_exported(
    exported: Exported,
    *,
    checkpoint: Version | None,
    tags: Mapping[str, str],
    serving: ServingOptions,
    aliases: Sequence[str] = (),
) -> Version:
    """Register an exported file beside its checkpoint's version, as a graph and to be served.

    All three share an `export_id`. Aliases move under the lock that promotions share.

    Args:
        exported: what to register.
        checkpoint: the registered version that it was exported from.
        tags: what made it.
        serving: limits of the model that takes a video.
        aliases: of both new versions.

    Returns:
        The graph's version.

    Raises:
        TrackingError: somebody else keeps the lock.
    """
    card = exported.network.card
    export_id = uuid.uuid4().hex
    all_tags = {
        **card_tags(card),
        **tags,
        **metric_tags(exported.metrics()),
        **exported.tags(),
        "export_id": export_id,
        **({"checkpoint": checkpoint.uri} if checkpoint else {}),
    }
    version = register_onnx(
        load_graph(exported.path),
        name=registered_name(card.arch, card.dataset) + ONNX_SUFFIX,
        clip_shape=card.clip_shape,
        n_classes=len(card.labels),
        tags=all_tags,
    )
    video = register_video(
        exported.path,
        name=registered_name(card.arch, card.dataset) + VIDEO_SUFFIX,
        model_config={"provider": "auto", "threads": 0, **serving.as_dict()},
        tags=all_tags,
    )
    for each in (version, video):
        describe_version(each, version_note(exported.variant(card.role), card))
    # Last, for an alias never to be on what is not complete yet. Two exports at once take turns, or
    # a graph of the one would be baseline beside the served model of the other.
    with promotion_lock(registered_name(card.arch, card.dataset)):
        if checkpoint is not None:
            tag_version(checkpoint, {"export_id": export_id})
        for alias in aliases:
            for each in (version, video):
                set_alias(each, alias)
    return version


def register_parent(uri: str, made: Exported, *, serving: ServingOptions, run: Run) -> None:
    """Register the file of what a network was made from, too, where it has none yet.

    The gate compares with it, and it has just been measured.

    Args:
        uri: of the network's registered version.
        made: its file.
        serving: limits of the model that takes a video.
        run: that made the file.
    """
    parent = get_version(uri)
    if ONNX_SUFFIX in versions_together(parent):
        return
    register_exported(
        made,
        checkpoint=parent,
        tags={"run_id": run.run_id},
        serving=serving,
        aliases=[alias for alias in parent.aliases if alias == "baseline"],
    )
