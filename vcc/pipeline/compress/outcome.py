"""What a compression made of the dense network: its targets, figures, tables, pictures and card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from vcc.compression.engine.epoch_figures import sparsity_figures
from vcc.compression.engine.scheduler import CompressionScheduler
from vcc.compression.masks.sparsity import SparsityRow, sparsity_table
from vcc.data.clips.protocol import ClipProtocol
from vcc.models.summary import LayerRow, count_macs, layer_table
from vcc.pipeline.card import Network
from vcc.pipeline.compress.ptq_guard import log_guards
from vcc.pipeline.compress.recipe import Recipe
from vcc.pipeline.compress.report import LAYERS_FILE, layers_csv
from vcc.pipeline.compress.targets import dense_figures
from vcc.pipeline.full.layer_pictures import log_layer_pictures
from vcc.pipeline.lineage import stages_of, traced
from vcc.pipeline.tags import lineage_tags
from vcc.tracking.runs import Run


@dataclass(frozen=True, kw_only=True)
class DenseRecord:
    """What is said of the dense network, taken before anything is changed, on its own clips.

    Attributes:
        figures: its `macs` of a clip and its `params`.
        layers: its table of layers.
        weights: its table of weights.
        clip: the clips it was trained on.
    """

    figures: dict[str, int]
    layers: Sequence[LayerRow]
    weights: Sequence[SparsityRow]
    clip: ClipProtocol

    @classmethod
    def of(cls, baseline: Network) -> Self:
        """Return the record of a dense network."""
        return cls(
            figures=dense_figures(baseline.model),
            layers=layer_table(baseline.model),
            weights=sparsity_table(baseline.model),
            clip=baseline.card.protocol,
        )


def log_outcome(
    dense: DenseRecord,
    network: Network,
    scheduler: CompressionScheduler,
    recipe: Recipe,
    *,
    teacher: str | None,
    n_epochs: int,
    run: Run,
) -> Network:
    """Log what became of a network and return it with the card that says so.

    Args:
        dense: what it was.
        network: what it is.
        scheduler: that compressed it.
        recipe: that was followed.
        teacher: where its teacher came from; None where it had none.
        n_epochs: epochs that were trained.
        run: takes figures, tables, pictures and tags.
    """
    model = network.model
    run.log_metrics(sparsity_figures(model), step=n_epochs)
    run.log_metrics({"macs_ratio": dense.figures["macs"] / count_macs(model)})
    run.log_text(layers_csv(dense.layers, model), LAYERS_FILE)
    log_guards(scheduler, run)
    log_layer_pictures(dense.weights, model, run)
    protocol = network.card.protocol
    card = traced(
        network.card,
        stages=stages_of(
            model,
            clip=None if protocol == dense.clip else protocol.text,
            weights_before=sum(row.numel for row in dense.weights),
            distilled=teacher is not None,
        ),
        schedule=recipe.schedule,
        teacher=teacher,
    )
    run.set_tags({"arch": card.arch, "method": recipe.method, **lineage_tags(card)})
    return Network(model=model, card=card)
