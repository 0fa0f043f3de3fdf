"""The pipeline's two networks: the dense one, trained, and the compressed one made from it."""

from __future__ import annotations

import copy

from vcc.config.compression import ClipChoice, CompressionOptions
from vcc.config.data import ClipOptions
from vcc.config.entrypoints import PipelineEntry
from vcc.config.training import TrainingOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.card import Network
from vcc.pipeline.compress.compressed import compress
from vcc.pipeline.compress.recipe import recipe_for
from vcc.pipeline.full.child_run import child_run
from vcc.pipeline.prepare import log_dataset
from vcc.pipeline.register import register_trained
from vcc.pipeline.train.recipe import TrainRecipe
from vcc.tracking.registry import Version


def train_dense(options: PipelineEntry, dataset: PreparedDataset) -> tuple[Network, Version]:
    """Train the dense network in a run of its own and register it as baseline."""
    recipe = TrainRecipe(
        network=options.network(),
        clip=options.pick(ClipOptions),
        training=options.pick(TrainingOptions),
    )
    with child_run("train", options.dense()) as run:
        log_dataset(run, dataset, context="train")
        network = recipe.train(dataset, run=run)
        version = register_trained(network, run=run)
    return network, version


def compress_dense(
    options: PipelineEntry, dataset: PreparedDataset, dense: Network, baseline: Version
) -> tuple[Network, Version]:
    """Compress a copy of the dense network in a run of its own and register it as challenger."""
    recipe = recipe_for(
        dense,
        options.pick(CompressionOptions),
        n_epochs=options.compress_n_epochs,
        learning_rate=options.compress_learning_rate,
        parent=baseline.uri,
        clip_override=ClipChoice(
            sample_size=options.compress_sample_size,
            sample_duration=options.compress_sample_duration,
            downsample=options.compress_downsample,
        ),
    )
    with child_run("compress", options.pick(CompressionOptions)) as run:
        log_dataset(run, dataset, context="train")
        source = Network(model=copy.deepcopy(dense.model), card=dense.card)
        made = compress(source, dataset, recipe, run=run)
        version = made.register(run=run)
    return made.network, version
