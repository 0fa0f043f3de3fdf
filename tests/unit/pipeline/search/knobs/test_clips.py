"""Clips to try are the network's own and cheaper ones, which both the network and the data have."""

from __future__ import annotations

import pytest
from prepared_networks import network_for

from vcc.config.compression import ClipChoice
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ConfigError, ModelError
from vcc.models import build_model, count_macs
from vcc.pipeline.card import Network
from vcc.pipeline.search.knobs.clips import cheaper_ones, cheapest, clip_choices, with_clip

ON = ("true",)


def texts(network: Network, dataset: PreparedDataset, *wanted: str) -> list[str]:
    return list(clip_choices(network, dataset, wanted))


def test_none_is_tried_unless_asked_for(network: Network, dataset: PreparedDataset) -> None:
    assert texts(network, dataset) == []
    assert texts(network, dataset, "false") == []
    # Its own is no other.
    assert texts(network, dataset, "4x16") == []


def test_true_is_half_of_frames_and_of_pixels(network: Network, dataset: PreparedDataset) -> None:
    clips = clip_choices(network, dataset, ON)
    assert list(clips) == ["4x16x16", "2x16x16 stride 2", "4x8x8", "2x8x8 stride 2"]
    assert cheapest(clips) == "2x8x8 stride 2"
    assert list(cheaper_ones(clips)) == list(clips)[1:]
    # It is the dense network's weights and clips that were asked about.
    assert network.card.clip_shape == (3, 4, 16, 16)


def test_clips_that_are_named_are_tried(network: Network, dataset: PreparedDataset) -> None:
    assert texts(network, dataset, "2x16", "1x12") == [
        "4x16x16",
        "2x16x16 stride 2",
        "1x12x12 stride 4",
    ]


def test_more_pixels_than_are_stored_are_refused(
    network: Network, dataset: PreparedDataset
) -> None:
    with pytest.raises(ConfigError, match="sample_size: 99 is more than the stored frames have"):
        texts(network, dataset, "4x99")


def test_a_network_of_one_size_has_no_other(network: Network, dataset: PreparedDataset) -> None:
    model = build_model("c3d", n_classes=2, sample_size=16, sample_duration=16, width_mult=0.0625)
    card = network_for(dataset).card
    fixed = with_own_frames(Network(model=model, card=card), frames=16)
    assert texts(fixed, dataset, *ON) == []
    with pytest.raises(ModelError, match="its pools leave nothing of a clip of 8x16x16"):
        texts(fixed, dataset, "8x16")


def with_own_frames(network: Network, *, frames: int) -> Network:
    return with_clip(network, ClipChoice(sample_duration=frames))


def test_a_network_with_other_clips_is_fed_and_counted_so(network: Network) -> None:
    macs = count_macs(network.model)
    made = with_clip(network, ClipChoice(sample_duration=2, downsample=2))
    assert made.card.clip_shape == (3, 2, 16, 16)
    assert count_macs(made.model) < 0.8 * macs
