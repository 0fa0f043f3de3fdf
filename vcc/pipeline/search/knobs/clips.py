"""Cheaper clips as a knob of a search: fewer frames at a wider stride, fewer pixels."""

from __future__ import annotations

import copy
import dataclasses
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from vcc.config.compression import ClipChoice
from vcc.config.data import ClipOptions
from vcc.config.search import CLIPS_OFF, CLIPS_ON, clip_sizes
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ModelError
from vcc.models.clip_size import set_clip_size
from vcc.pipeline.card import Network
from vcc.pipeline.compress.clip_change import take_clips

_logger = logging.getLogger(__name__)

# Half of the frames; half of the pixels, in multiples of what strides divide well.
_FRAMES, _SIDE, _MULTIPLE = 2, 0.7, 8

# Text of a clip's protocol -> what is chosen: the dense network's own clip stands first.
Clips = Mapping[str, ClipChoice]


def clip_choices(dense: Network, dataset: PreparedDataset, wanted: Sequence[str]) -> Clips:
    """Return the clips that candidates may have, by their text; empty where only their own.

    Args:
        dense: the dense network, which stays as it is.
        dataset: its data.
        wanted: of the option `clips`.

    Raises:
        ConfigError: a clip that was named is larger than the stored frames.
        ModelError: the network cannot take one that was named.
    """
    if not wanted or tuple(wanted) == CLIPS_OFF:
        return {}
    clip = dense.card.clip
    named = tuple(wanted) != CLIPS_ON
    sizes = clip_sizes(wanted) if named else _cheaper(clip)
    found = {dense.card.protocol.text: _choice(clip, clip.sample_duration, clip.sample_size)}
    for frames, size in sizes:
        choice = _choice(clip, frames, size)
        try:
            made = _taken(dense, choice, dataset)
        except ModelError as error:
            if named:
                raise
            _logger.info("%dx%dx%d is no clip to try: %s", frames, size, size, error)
            continue
        found[made.card.protocol.text] = choice
    return found if len(found) > 1 else {}


def with_clip(network: Network, choice: ClipChoice) -> Network:
    """Return a network with other clips, which it can take; its model is changed in place."""
    clip = _replaced(network.card.clip, choice)
    set_clip_size(network.model, sample_size=clip.sample_size, sample_duration=clip.sample_duration)
    return Network(model=network.model, card=dataclasses.replace(network.card, clip=clip))


def cheapest(clips: Clips) -> str:
    """Return the text of the clip with the fewest values; `clips` has one at least."""
    return min(clips, key=lambda text: _values(clips[text]))


def cheaper_ones(clips: Clips) -> Iterable[str]:
    """Return the texts of all but the first, the dense network's own."""
    return list(clips)[1:]


def _replaced(clip: ClipOptions, choice: ClipChoice) -> ClipOptions:
    given: dict[str, Any] = {**choice.chosen()}
    return dataclasses.replace(clip, **given)


def _values(choice: ClipChoice) -> int:
    given = choice.chosen()
    return given["sample_duration"] * given["sample_size"] ** 2


def _cheaper(clip: ClipOptions) -> Iterator[tuple[int, int]]:
    frames = max(1, clip.sample_duration // _FRAMES)
    size = max(_MULTIPLE, round(_SIDE * clip.sample_size / _MULTIPLE) * _MULTIPLE)
    for pair in ((frames, clip.sample_size), (clip.sample_duration, size), (frames, size)):
        if pair != (clip.sample_duration, clip.sample_size):
            yield pair


def _choice(own: ClipOptions, frames: int, size: int) -> ClipChoice:
    """Return a clip that spans about as much of a video as the dense network's own."""
    stride = max(1, round(own.sample_duration * own.downsample / frames))
    return ClipChoice(sample_size=size, sample_duration=frames, downsample=stride)


def _taken(dense: Network, choice: ClipChoice, dataset: PreparedDataset) -> Network:
    """Return a copy with other clips, once it is known that both network and data have them."""
    clip = _replaced(dense.card.clip, choice)
    copied = Network(model=copy.deepcopy(dense.model), card=dense.card)
    return take_clips(copied, clip, dataset)
