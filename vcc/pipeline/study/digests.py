"""Digests of a cell's settings: by them a finished cell is recognised, or computed again.

Only chosen values are hashed, those that differ from an option's default, so that an option that is
added later leaves finished cells as they are. The first digests held the defaults, too; they are
told by the options that there were, as long as no newer one is chosen.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from vcc.compression.schedule.yaml_tree import read_tree
from vcc.config.data import ClipOptions, PrepareOptions
from vcc.config.model import ModelOptions
from vcc.config.options import Options
from vcc.config.training import FinetuneOptions, TrainingOptions
from vcc.config.yaml_files.study_matrix import DENSE, Cell, MethodOptions, SpeedOptions
from vcc.pipeline.study.place import StudyPlace, dense_cell, schedule_of

# Which options the first digests held, all of each; never add to these.
_FIRST: Mapping[type[Options], str] = {
    PrepareOptions: """
        videos annotation split root_path dataset output short_side store raw_limit_gib
        jpeg_quality max_bad_share verify dev_share test_share direction_sensitive
        n_jobs dask_scheduler manual_seed motion_classes motion_clips motion_frames
        motion_width motion_height motion_difficulty motion_opacity
    """,
    ClipOptions: """
        sample_size sample_duration downsample initial_scale n_scales scale_step
        train_crop no_hflip rotation brightness contrast saturation hue random_erasing
        mean_dataset no_mean_norm std_norm norm_value batch_size n_threads n_val_samples
        scale_in_test crop_position_in_test manual_seed
    """,
    ModelOptions: """
        model model_depth resnet_shortcut resnext_cardinality groups version width_mult
        model_type dropout
    """,
    TrainingOptions: """
        n_epochs optimizer learning_rate lr_scheduler lr_step_epochs lr_steps
        lr_warmup_epochs lr_patience momentum dampening nesterov weight_decay
        gradient_clip accumulate label_smoothing mixup_alpha class_weights ema_decay
        early_stopping no_val train_precision compile no_cuda devices num_nodes
    """,
    FinetuneOptions: """
        pretrain_path n_classes n_finetune_classes no_train ft_portion
    """,
    SpeedOptions: """
        sample_size sample_duration latency_runs
    """,
    MethodOptions: """
        schedule compression_type n_epochs learning_rate round_to after teacher
    """,
}
# Where and by how many processes, not what: whatever is chosen here changes no figure.
_FREE: Mapping[type[Options], dict[str, Any]] = {
    PrepareOptions: {"n_jobs": 0, "root_path": "", "output": None},
    ClipOptions: {"n_threads": 0},
    TrainingOptions: {"no_cuda": False},
    # For which models a method is changes nothing about a cell that is there.
    MethodOptions: {"models": ()},
}

# Returns an options object as JSON types.
_Spell = Callable[[Options], dict[str, Any]]


class _NewerOptionError(Exception):
    """An option is chosen that the first digests did not know."""


def digest_of(place: StudyPlace, cell: Cell) -> str:
    """Return the digest of everything that a cell's figures depend on, except code and machine.

    Weights that a network starts from (`finetune`) are in it by their path, not their content. The
    digest of prepared data is not in it: frames are coded slightly differently by other
    processors. Which videos are in which subset is.
    """
    return _hashed(_settings(place, cell, _chosen))


def digests_of(place: StudyPlace, cell: Cell) -> tuple[str, ...]:
    """Return every digest by which a finished cell is recognised, today's first."""
    today = digest_of(place, cell)
    try:
        first = _hashed(_settings(place, cell, _as_first))
    except _NewerOptionError:
        return (today,)
    return (today, first)


def _hashed(settings: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def _settings(place: StudyPlace, cell: Cell, spell: _Spell) -> dict[str, Any]:
    matrix = place.matrix
    recipe = matrix.models[cell.model]
    dataset = place.dataset_of(cell)
    videos = [
        [record.id, record.label, subset]
        for subset in ("train", "dev", "test")
        for record in dataset.videos(subset)
    ]
    settings: dict[str, Any] = {
        "data": spell(matrix.data),
        "videos": hashlib.sha256(json.dumps(videos).encode()).hexdigest(),
        "network": spell(recipe.network),
        "clip": spell(recipe.clip),
        "training": spell(recipe.training),
        "finetune": spell(recipe.finetune),
        "speed": spell(matrix.speed),
        "repeat": cell.repeat,
    }
    if cell.method != DENSE:
        method = matrix.methods[cell.method]
        settings["method"] = spell(method)
        # What it says, not its comments: a header takes up what a study measured.
        schedule = read_tree(schedule_of(method, recipe.network.model)).value
        settings["schedule"] = json.dumps(schedule, default=str)
        settings["parent"] = _settings(place, matrix.parent(cell), spell)
        if method.teacher:
            teacher = dense_cell(cell, method.teacher)
            settings["teacher"] = _settings(place, teacher, spell)
    return settings


def _chosen(options: Options) -> dict[str, Any]:
    """Return the values that differ from their defaults, except those that change no figure."""
    free = _FREE.get(type(options), {})
    plain = options.as_dict()
    return {
        field.name: plain[field.name]
        for field in dataclasses.fields(options)
        if field.name not in free and getattr(options, field.name) != field.default
    }


def _as_first(options: Options) -> dict[str, Any]:
    """Return all values of the options that the first digests knew."""
    known = _FIRST[type(options)].split()
    if _chosen(options).keys() - set(known):
        raise _NewerOptionError
    plain = options.as_dict()
    free = {name: value for name, value in _FREE.get(type(options), {}).items() if name in known}
    return {name: plain[name] for name in known if name in plain} | free
