"""Finds a distiller's teacher: a registered model, a checkpoint, a `.pth` file, or the baseline.

The student is trained on pixels, so the teacher is a classifier of pixels too: it brings its own
normalisation, and it is given clips of the size, duration and stride that it was trained on, of the
moments that the student sees.
"""

from __future__ import annotations

import copy
import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from vcc.compression.distillation.losses import ResizedTeacher
from vcc.config.data import ClipOptions
from vcc.config.distillation import DistillationOptions
from vcc.config.networks.arguments import read_arguments
from vcc.config.networks.builders import is_builder
from vcc.config.networks.family import FAMILIES, option_names
from vcc.config.tracking import SourceOptions
from vcc.data.clips.protocol import ClipProtocol
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ConfigError, ModelError
from vcc.models import arch_name, build_model
from vcc.models.weights import load_weights
from vcc.pipeline.card import Network
from vcc.pipeline.source import fetch_network, named_network, search_version

_logger = logging.getLogger(__name__)


class TeacherFinder:
    """Finds the teacher that a schedule or the options name.

    Args:
        baseline: the dense network; a copy of it teaches where nobody names a teacher.
        dataset: what the student is trained on.
        options: `t_*` options; they win over the schedule's `teacher`.
    """

    def __init__(
        self, baseline: Network, dataset: PreparedDataset, options: DistillationOptions
    ) -> None:
        # The student is compressed in place, so its teacher must be taken before.
        self._baseline = Network(model=copy.deepcopy(baseline.model), card=baseline.card)
        self._dataset = dataset
        self._options = options
        self.name: str | None = None
        """Where the teacher came from; None as long as no schedule asked for one."""
        self._clip: ClipOptions | None = None

    def __call__(self, named: Any) -> nn.Module:
        """Return the teacher for a schedule's `teacher`: text, a mapping of options, or None.

        It comes in evaluation mode.

        Raises:
            ModelError: it does not load, or knows other classes.
            TrackingError: no registered version matches, or several do.
            ConfigError: the options do not say which network a `.pth` file holds.
        """
        wanted: dict[str, Any] = {"path": named} if isinstance(named, str) else dict(named or {})
        wanted |= self._options.teacher()
        network = self._find(wanted)
        self._check(network, wanted)
        card = network.card
        _, frames, size, _ = card.clip_shape
        frames, size = wanted.get("sample_duration", frames), wanted.get("sample_size", size)
        shape = (3, frames, size, size)
        clip = dataclasses.replace(card.clip, sample_duration=frames, sample_size=size)
        text = ClipProtocol.from_options(clip).text
        _logger.info("teacher: %s, clips %s", card.arch, text)
        if self._clip is not None and _shape(self._clip) != _shape(clip):
            _logger.warning("a second teacher sees the first one's clips, resized to %s", text)
        else:
            self._clip = clip
        return ResizedTeacher(network.classifier(), shape).eval()

    def clip_beside(self, student: ClipOptions) -> ClipOptions | None:
        """Return how the teacher's clips are made where the student's will not do; else None.

        Crops, flips and colours are the student's.
        """
        if self._clip is None or _shape(self._clip) == _shape(student):
            return None
        return _of_shape(student, self._clip)

    def _find(self, wanted: Mapping[str, Any]) -> Network:
        path = wanted.get("path")
        self.name = "itself, dense" if path is None else str(path)
        if path is None:
            return self._registered(wanted) if "model" in wanted else self._baseline
        if not str(path).startswith("models:/") and Path(path).is_file():
            return self._from_file(Path(path), wanted)
        return named_network(str(path))[0]

    def _registered(self, wanted: Mapping[str, Any]) -> Network:
        named = {field.name for field in dataclasses.fields(SourceOptions)}
        options = SourceOptions(**{key: value for key, value in wanted.items() if key in named})
        version = search_version(options, self._dataset, alias="baseline")
        self.name = version.uri
        return fetch_network(version)

    def _from_file(self, path: Path, wanted: Mapping[str, Any]) -> Network:
        if "model" not in wanted:
            msg = f"{path}: which network is it of? say so by t_model and its options"
            raise ConfigError(msg)
        family = wanted["model"]
        card = self._baseline.card
        clip = dataclasses.replace(
            card.clip,
            sample_size=wanted.get("sample_size", card.clip.sample_size),
            sample_duration=wanted.get("sample_duration", card.clip.sample_duration),
        )
        model = build_model(
            family,
            n_classes=wanted.get("n_classes", len(card.labels)),
            sample_size=clip.sample_size,
            sample_duration=clip.sample_duration,
            **_build_options(wanted),
        )
        _logger.info("%s", load_weights(model, path).as_text())
        return Network(
            model=model, card=dataclasses.replace(card, arch=arch_name(model.spec), clip=clip)
        )

    def _check(self, network: Network, wanted: Mapping[str, Any]) -> None:
        labels = self._dataset.labels
        if network.card.labels != labels:
            msg = (
                f"the teacher {network.card.arch} knows {len(network.card.labels)} classes of "
                f"{network.card.dataset}, the student {len(labels)} other ones: choose a teacher "
                "that was trained on the same classes"
            )
            raise ModelError(msg)
        asked = wanted.get("n_classes", len(labels))
        if asked != len(labels):
            msg = f"t_n_classes: {asked}, but the student has {len(labels)} classes: leave it out"
            raise ConfigError(msg)


def _build_options(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `build_model` takes of a teacher's options."""
    if is_builder(wanted["model"]):
        arguments = wanted.get("model_args")
        return {"model_args": read_arguments(arguments, option_name="t_model_args")}
    known = option_names(FAMILIES.get(wanted["model"]))
    return {key: value for key, value in wanted.items() if key in known}


def _shape(clip: ClipOptions) -> tuple[int, int, int]:
    return clip.sample_duration, clip.downsample, clip.sample_size


def _of_shape(clip: ClipOptions, other: ClipOptions) -> ClipOptions:
    """Return the clip options with the frames, stride and size of others."""
    return dataclasses.replace(
        clip,
        sample_duration=other.sample_duration,
        downsample=other.downsample,
        sample_size=other.sample_size,
    )
