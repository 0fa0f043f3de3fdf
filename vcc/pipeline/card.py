"""A network's card: everything beside the weights that its numbers depend on.

It travels in the checkpoint's metadata, so that whoever loads the network feeds it the clips it was
trained on, compares it on the split it never saw, and knows what was done to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from vcc.config.data import ClipOptions
from vcc.config.training import TrainingOptions
from vcc.data.clips.normalisation import PixelNormalisation
from vcc.data.clips.protocol import ClipProtocol
from vcc.data.store.contents import training_contents
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import DataError, ModelError, one_line
from vcc.models.pixels import PixelClassifier

_NEEDED = ("arch", "role", "dataset", "data_digest", "split")
_TEXTS = (*_NEEDED, "parent", "schedule", "schedule_digest", "teacher", "train_videos")


@dataclass(frozen=True, kw_only=True)
class NetworkCard:
    """How a network was made and how it is fed.

    Attributes:
        arch: as the registry spells it, such as "resnet18a".
        role: "dense" or "compressed".
        dataset: name of the data set it was trained on.
        data_digest: digest of that data's manifest.
        split: its official split.
        labels: class names, in the order of the logits.
        clip: how its training clips were made.
        training: how it was optimised.
        normalisation: per-channel mean and std of its input, in pixel units.
        methods: compression methods applied, in order.
        parent: registry URI of the version it was made from.
        lineage: what it was made from and what was done to it, in order, such as
            ("models:/x/1", "masked", "thinned"); empty for a dense network.
        schedule: name of the schedule file of its last compression.
        schedule_digest: SHA-256 of that file.
        teacher: what it was distilled from.
        train_videos: contents of the videos it was trained on, see `vcc.data.store.contents`;
            None in a card from before they were kept.
    """

    arch: str
    role: str
    dataset: str
    data_digest: str
    split: str
    labels: tuple[str, ...]
    clip: ClipOptions
    training: TrainingOptions
    normalisation: PixelNormalisation
    methods: tuple[str, ...] = ()
    parent: str | None = None
    lineage: tuple[str, ...] = ()
    schedule: str | None = None
    schedule_digest: str | None = None
    teacher: str | None = None
    train_videos: str | None = None

    @property
    def protocol(self) -> ClipProtocol:
        """Which clips of a video the network is asked about."""
        return ClipProtocol.from_options(self.clip)

    @property
    def clip_shape(self) -> tuple[int, int, int, int]:
        """(3, T, H, W) of its clips."""
        return self.protocol.clip_shape

    @property
    def method(self) -> str:
        """The compression type, as the results tree names it; "benchmark" for a dense network."""
        return "+".join(self.methods) or "benchmark"

    def compressed(
        self, *, method: str, parent: str | None, training: TrainingOptions
    ) -> NetworkCard:
        """Return the card of a network made from this one."""
        return replace(
            self,
            role="compressed",
            methods=(*self.methods, method),
            parent=parent,
            training=training,
        )

    def as_metadata(self) -> dict[str, Any]:
        """Return JSON types for a checkpoint's metadata."""
        return {
            "arch": self.arch,
            "role": self.role,
            "dataset": self.dataset,
            "data_digest": self.data_digest,
            "split": self.split,
            "labels": list(self.labels),
            "clip": self.clip.as_dict(),
            "training": self.training.as_dict(),
            "normalisation": {
                "mean": list(self.normalisation.mean),
                "std": list(self.normalisation.std),
            },
            "methods": list(self.methods),
            "parent": self.parent,
            "lineage": list(self.lineage),
            "schedule": self.schedule,
            "schedule_digest": self.schedule_digest,
            "teacher": self.teacher,
            "train_videos": self.train_videos,
        }

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any], *, where: str) -> NetworkCard:
        """Read a card back.

        Raises:
            ModelError: the metadata is not a card of this project.
        """
        try:
            values = dict(metadata)
            # What an exported file says about itself stands beside its network's card.
            values.pop("file", None)
            values["labels"] = _texts(values, "labels", least=2)
            values["methods"] = _texts(values, "methods")
            values["lineage"] = _texts({"lineage": (), **values}, "lineage")
            values["clip"] = ClipOptions.from_mapping(values["clip"], where=f"{where}: clip")
            training = dict(values["training"])
            training["lr_steps"] = tuple(training["lr_steps"])
            values["training"] = TrainingOptions.from_mapping(training, where=f"{where}: training")
            pixel = values["normalisation"]
            values["normalisation"] = PixelNormalisation(
                mean=tuple(pixel["mean"]), std=tuple(pixel["std"])
            )
            card = cls(**values)
            card._check_texts()
        except (KeyError, TypeError, ValueError, AttributeError, DataError) as error:
            what = f"it has no {error}" if isinstance(error, KeyError) else one_line(error)
            msg = f"{where}: its metadata is not a network card of this version: {what}"
            raise ModelError(msg) from None
        return card

    def _check_texts(self) -> None:
        """Refuse what is no text where text belongs; files and names are made of it."""
        for name in _TEXTS:
            value = getattr(self, name)
            if not isinstance(value, str) and (value is not None or name in _NEEDED):
                msg = f"{name} is {value!r:.40}, no text"
                raise ValueError(msg)


def _texts(values: Mapping[str, Any], name: str, *, least: int = 0) -> tuple[str, ...]:
    """Return a list of texts; class names are different ones, two at least."""
    found = values[name]
    if not isinstance(found, list | tuple) or not all(isinstance(each, str) for each in found):
        msg = f"{name} is {found!r:.40}, no list of texts"
        raise ValueError(msg)
    if len(found) < least or (least and len(set(found)) < len(found)):
        msg = f"{name} has {len(set(found))} different names, {max(least, len(found))} are wanted"
        raise ValueError(msg)
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network with its card."""

    model: nn.Module
    card: NetworkCard

    def classifier(self) -> PixelClassifier:
        """Return the network behind its normalisation; it shares the weights."""
        pixel = self.card.normalisation
        return PixelClassifier(self.model, mean=pixel.mean, std=pixel.std)


def card_of(
    dataset: PreparedDataset,
    *,
    arch: str,
    clip: ClipOptions,
    training: TrainingOptions,
    normalisation: PixelNormalisation,
    seen_before: str | None = None,
) -> NetworkCard:
    """Return the card of a dense network about to be trained on `dataset`.

    `seen_before` are the videos that the weights it starts from were trained on.
    """
    return NetworkCard(
        arch=arch,
        role="dense",
        dataset=dataset.name,
        data_digest=dataset.digest,
        split=dataset.split,
        labels=dataset.labels,
        clip=clip,
        training=training,
        normalisation=normalisation,
        train_videos=training_contents(dataset, also=seen_before),
    )
