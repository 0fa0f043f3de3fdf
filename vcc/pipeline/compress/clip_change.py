"""Gives the network that is compressed other clips than it was trained on, from the first epoch on.

The card and the network's own record change together, so that training, dev measurements,
calibration, checkpoint, export, evaluation and serving all see the same clips.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence

from vcc.compression.schedule.clips import CLIP_FIELDS, resolve_clips
from vcc.compression.schedule.edits import with_clips
from vcc.compression.schedule.schedule import Schedule
from vcc.config.data import ClipOptions
from vcc.data.clips.protocol import ClipProtocol
from vcc.data.store.prepared import PreparedDataset, VideoRecord
from vcc.errors import ConfigError
from vcc.models.clip_size import set_clip_size
from vcc.models.summary import count_macs
from vcc.pipeline.card import Network

_logger = logging.getLogger(__name__)


def settle_clips(schedule: Schedule, clip: ClipOptions) -> Schedule:
    """Return the schedule with numbers in its `clips`: factors are those of the baseline's clip."""
    own = {name: getattr(clip, name) for name in CLIP_FIELDS}
    return with_clips(schedule, resolve_clips(schedule.clips, own))


def take_clips(network: Network, clip: ClipOptions, dataset: PreparedDataset) -> Network:
    """Return the network with other clips; its model is changed in place.

    Args:
        network: what is compressed.
        clip: its clips from now on; the batch size, seed and so on may differ too.
        dataset: what it is trained on.

    Raises:
        ConfigError: the clips are larger than the stored frames.
        ModelError: the network cannot take them.
    """
    before, after = network.card.protocol, ClipProtocol.from_options(clip)
    if after != before:
        _check_stored(before, after, dataset)
        macs = count_macs(network.model)
        set_clip_size(
            network.model, sample_size=clip.sample_size, sample_duration=clip.sample_duration
        )
        cost = count_macs(network.model) / macs
        _tell(before, after, dataset.videos("train"), cost=cost)
    return Network(model=network.model, card=dataclasses.replace(network.card, clip=clip))


def _check_stored(before: ClipProtocol, after: ClipProtocol, dataset: PreparedDataset) -> None:
    stored = max((min(v.height, v.width) for v in dataset.manifest.videos), default=0)
    if after.sample_size > max(stored, before.sample_size):
        msg = (
            f"sample_size: {after.sample_size} is more than the stored frames have, whose short "
            f"side is at most {stored} pixels: enlarged frames cost and show nothing new: choose "
            "less, or prepare again with a larger short_side"
        )
        raise ConfigError(msg)


def _tell(
    before: ClipProtocol, after: ClipProtocol, videos: Sequence[VideoRecord], *, cost: float
) -> None:
    """Log what the clips mean for a video; `cost` is that of a clip, 1 being the former one's."""
    lengths = [video.n_frames for video in videos]
    if not lengths:
        return
    now, then = after.mean_clips(lengths), before.mean_clips(lengths)
    _logger.info(
        "clips: %s -> %s, %.3f of the multiply-accumulates; a training video is cut into %.1f -> "
        "%.1f of them: %.3f by the video",
        before.text,
        after.text,
        cost,
        then,
        now,
        cost * now / then,
    )
    short = sum(length < after.window for length in lengths)
    if short and after.window > before.window:
        _logger.warning(
            "a clip spans %d frames (sample_duration x downsample), and %d of %d training videos "
            "are shorter: their clips repeat frames from the video's start",
            after.window,
            short,
            len(lengths),
        )
    if now > then:
        _logger.warning(
            "a clip spans %d frames of a video where it spanned %d: covering a video takes %.2f "
            "times as many clips, %.2f times the multiply-accumulates: downsample=%d would keep "
            "their number",
            after.window,
            before.window,
            now / then,
            cost * now / then,
            max(1, round(before.window / after.sample_duration)),
        )
