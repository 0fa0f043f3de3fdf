"""A compression from its recipe to its registered version: what every command runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vcc.data.clips.protocol import ClipProtocol
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.card import Network
from vcc.pipeline.compress.recipe import Recipe
from vcc.pipeline.compress.step import compress_step
from vcc.pipeline.evaluate.step import size_figures
from vcc.pipeline.notes import compressed_note
from vcc.pipeline.register import register_network
from vcc.tracking.registry import Version
from vcc.tracking.runs import Run
from vcc.training.resume_checkpoint import CheckpointPlan


@dataclass(frozen=True, kw_only=True)
class Compressed:
    """A compressed network beside the dense one's figures.

    Attributes:
        network: what came out.
        recipe: that was followed.
        before: `size_figures` of the dense network on its own clips.
        after: those of the compressed one on its own.
        dense_clip: the dense network's clips.
    """

    network: Network
    recipe: Recipe
    before: Mapping[str, float]
    after: Mapping[str, float]
    dense_clip: ClipProtocol

    def register(self, *, run: Run, tags: Mapping[str, str] | None = None) -> Version:
        """Register the network as challenger and describe its run.

        Args:
            run: that compressed it.
            tags: what else made it.
        """
        version = register_network(
            self.network,
            alias="challenger",
            tags={
                "run_id": run.run_id,
                "schedule": self.recipe.schedule.name,
                **(tags or {}),
            },
            metrics=self.after,
        )
        run.describe(
            compressed_note(
                self.network.card,
                version.uri,
                before=self.before,
                after=self.after,
                dense=self.dense_clip,
            )
        )
        return version

    def lines(self) -> list[str]:
        """Return what changed, a line each, for people."""
        before, after, protocol = self.before, self.after, self.network.card.protocol
        lines = [
            f"parameters {before['params']:,.0f} -> {after['params']:,.0f}",
            f"MACs       {before['macs']:,.0f} -> {after['macs']:,.0f}",
        ]
        if protocol != self.dense_clip:
            lines.append(f"clip       {self.dense_clip.text} -> {protocol.text}")
        return lines


def compress(
    baseline: Network,
    dataset: PreparedDataset,
    recipe: Recipe,
    *,
    run: Run,
    checkpoints: CheckpointPlan | None = None,
) -> Compressed:
    """Compress a network in place by a recipe; see `compress_step` for what can go wrong.

    Args:
        baseline: the dense network with its card.
        dataset: prepared videos.
        recipe: what to do.
        run: where its figures go.
        checkpoints: where it keeps them and which it resumes; None keeps none.
    """
    before, dense_clip = size_figures(baseline), baseline.card.protocol
    network = compress_step(baseline, dataset, recipe, run=run, checkpoints=checkpoints)
    return Compressed(
        network=network,
        recipe=recipe,
        before=before,
        after=size_figures(network),
        dense_clip=dense_clip,
    )
