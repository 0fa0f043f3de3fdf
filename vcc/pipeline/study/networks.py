"""The network of a study's cell: trained or compressed once, then found as a checkpoint."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

from vcc.config.compression import CompressionOptions
from vcc.config.distillation import DistillationOptions
from vcc.config.yaml_files.study_matrix import DENSE, Cell
from vcc.files import alone_in, write_whole
from vcc.models.checkpoint import save_checkpoint
from vcc.pipeline.card import Network
from vcc.pipeline.compress.compressed import compress
from vcc.pipeline.compress.recipe import recipe_for
from vcc.pipeline.source import load_network
from vcc.pipeline.study.digests import digests_of
from vcc.pipeline.study.place import StudyPlace, dense_cell, schedule_of
from vcc.pipeline.train.recipe import TrainRecipe
from vcc.tracking.runs import Run


def network_of_cell(cell: Cell, place: StudyPlace, run: Run) -> Network:
    """Return a cell's network: its checkpoint if that was made by the same settings, or a new one.

    Where another study of this machine is making it, that is waited for.

    Args:
        cell: whose network.
        place: where checkpoints lie.
        run: takes the figures of a training.
    """
    with alone_in(place.checkpoints / cell.key):
        return _network_of_cell(cell, place, run)


def _network_of_cell(cell: Cell, place: StudyPlace, run: Run) -> Network:
    folder = place.checkpoints / cell.key
    marker = _marker(cell, place)
    known = digests_of(place, cell)
    if marker.is_file() and marker.read_text("utf-8").split()[0] in known:
        return load_network(folder)
    if cell.method == DENSE:
        started = time.monotonic()
        made = _train(cell, place, run)
    else:
        # What it builds on is made first: the seconds are its own.
        for needed in _builds_on(cell, place):
            network_of_cell(needed, place, run)
        started = time.monotonic()
        made = _compress(cell, place, run)
    seconds = time.monotonic() - started
    marker.unlink(missing_ok=True)
    save_checkpoint(folder, made.model, made.card.as_metadata())
    write_whole(marker, f"{known[0]} {seconds:.1f}\n")
    return made


def training_seconds(cell: Cell, place: StudyPlace) -> float:
    """Return what a cell's own training took, whenever that was."""
    return float(_marker(cell, place).read_text("utf-8").split()[1])


def _marker(cell: Cell, place: StudyPlace) -> Path:
    """Return the file beside a checkpoint: the digest of its settings, seconds of training."""
    return place.checkpoints / f"{cell.key}.settings"


def _builds_on(cell: Cell, place: StudyPlace) -> list[Cell]:
    method = place.matrix.methods[cell.method]
    return [dense_cell(cell), place.matrix.parent(cell), dense_cell(cell, method.teacher)]


def _train(cell: Cell, place: StudyPlace, run: Run) -> Network:
    recipe = place.matrix.models[cell.model]
    return TrainRecipe(
        network=recipe.network,
        clip=dataclasses.replace(
            recipe.clip, manual_seed=_seed(cell, place), n_threads=place.n_threads
        ),
        training=dataclasses.replace(recipe.training, no_cuda=place.no_cuda),
        finetune=recipe.finetune,
    ).train(place.dataset_of(cell), run=run)


def _compress(cell: Cell, place: StudyPlace, run: Run) -> Network:
    method = place.matrix.methods[cell.method]
    family = place.matrix.models[cell.model].network.model
    parent = network_of_cell(place.matrix.parent(cell), place, run)
    dense = network_of_cell(dense_cell(cell), place, run)
    distillation = None
    if "kd" in method.compression_type:
        path = str(place.checkpoints / dense_cell(cell, method.teacher).key)
        distillation = DistillationOptions(t_path=path)
    recipe = recipe_for(
        parent,
        CompressionOptions(
            schedule=schedule_of(method, family),
            compression_type=method.compression_type,
            round_to=method.round_to,
        ),
        n_epochs=method.n_epochs,
        # Of the dense training: a chain's second step would else begin at a sixteenth of it.
        learning_rate=method.learning_rate or dense.card.training.learning_rate / 4,
        parent=None,
        distillation=distillation,
    )
    return compress(parent, place.dataset_of(cell), recipe, run=run).network


def _seed(cell: Cell, place: StudyPlace) -> int:
    recipe = place.matrix.models[cell.model]
    return recipe.clip.manual_seed if place.matrix.folds else cell.number
