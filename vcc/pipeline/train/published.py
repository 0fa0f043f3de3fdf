"""What published weights of torchvision's ask for: their file, pixels, clips and labels."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path

from vcc.config.data import ClipOptions
from vcc.data.clips.normalisation import DEFAULT_MEAN, PixelNormalisation, normalisation_for
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ConfigError
from vcc.models.builders.published import PublishedWeights, fetch_published, published_weights

_logger = logging.getLogger(__name__)

PUBLISHED = "published"


def settle_pixels(clip: ClipOptions, model: str) -> ClipOptions:
    """Return clip options that say whose pixel statistics they mean, as `model` suggests."""
    if clip.mean_dataset is not None:
        return clip
    whose = PUBLISHED if published_weights(model) else DEFAULT_MEAN
    return dataclasses.replace(clip, mean_dataset=whose)


def pixel_normalisation(
    clip: ClipOptions, dataset: PreparedDataset, model: str
) -> PixelNormalisation:
    """Return how pixels 0..255 become the network's input.

    Raises:
        ConfigError: `mean_dataset=published` for a network without published weights.
    """
    weights = published_weights(model)
    if clip.mean_dataset != PUBLISHED or not weights:
        return normalisation_for(clip, dataset)
    red, green, blue = (255 * value for value in weights[0].mean)
    red_std, green_std, blue_std = (255 * value for value in weights[0].std)
    return PixelNormalisation(mean=(red, green, blue), std=(red_std, green_std, blue_std))


def weights_file(model: str, path: Path) -> Path:
    """Return the file that `pretrain_path` means: itself, or that of published weights it names.

    Raises:
        ModelError: it is no file, and the weights cannot be downloaded.
    """
    if path.exists() or not published_weights(model):
        return path
    named = {part for part in (str(path), str(path).rpartition(".")[2]) if part}
    known = {weights.name for weights in published_weights(model)} | {"DEFAULT"}
    return fetch_published(model, str(path)) if named & known else path


def check_published(model: str, clip_size: int, labels: Sequence[str], *, head_kept: bool) -> None:
    """Refuse labels in another order than published weights have, and say what else differs.

    Args:
        model: the network's name.
        clip_size: height and width of its clips, pixels.
        labels: of the data, in the order of the logits.
        head_kept: whether the weights' classifier is used.

    Raises:
        ConfigError: the data have the same number of classes, but other ones or in another order.
    """
    for weights in published_weights(model)[:1]:
        if head_kept and _words(labels) != _words(weights.labels):
            msg = (
                f"pretrain_path: the classifier of {weights.name} tells {len(weights.labels)} "
                f"classes apart, {_first_other(labels, weights)}: replace it by "
                f"n_finetune_classes={len(labels)}"
            )
            raise ConfigError(msg)
        if clip_size != weights.sample_size:
            _logger.warning(
                "%s was trained on clips of %d pixels, these have %d (sample_size)",
                weights.name,
                weights.sample_size,
                clip_size,
            )


def _words(labels: Sequence[str]) -> list[str]:
    """Return labels as they compare: data sets write folders' names with underscores."""
    return [label.replace("_", " ").casefold() for label in labels]


def _first_other(labels: Sequence[str], weights: PublishedWeights) -> str:
    pairs = zip(_words(labels), _words(weights.labels), strict=False)
    for place, (own, published) in enumerate(pairs, start=1):
        if own != published:
            return f"and number {place} is {published!r}, not {own!r} as in the data"
    return f"not the {len(labels)} of the data"
