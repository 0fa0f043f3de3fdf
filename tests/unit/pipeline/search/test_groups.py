"""Layers of one resolution lose alike: those of a stream, and those inside of blocks."""

from __future__ import annotations

import torch
from prepared_networks import CLIP

from vcc.compression.channels.trace import trace_channels
from vcc.models import build_model
from vcc.pipeline.card import Network
from vcc.pipeline.search.groups import decomposable, layer_groups, stage_layers


def groups_of(model: torch.nn.Module) -> dict[str, tuple[str, ...]]:
    clip = torch.zeros(2, 3, CLIP.sample_duration, CLIP.sample_size, CLIP.sample_size)
    return {each.name: each.weights for each in layer_groups(model, trace_channels(model, clip))}


def test_streams_and_insides_of_a_resnet_are_apart(network: Network) -> None:
    groups = groups_of(network.model)
    assert groups["stage1.stream"] == ("conv1.weight", "layer1.0.conv2.weight")
    assert groups["stage2.inner"] == ("layer1.0.conv1.weight",)
    named = [weight for weights in groups.values() for weight in weights]
    assert len(named) == len(set(named))
    assert "fc.weight" not in named


def test_stages_hold_every_layer_but_the_classifier(network: Network) -> None:
    clip = torch.zeros(2, *network.card.clip_shape)
    groups = layer_groups(network.model, trace_channels(network.model, clip))
    stages = stage_layers(network.model, groups)
    layers = [
        name
        for name, part in network.model.named_modules()
        if isinstance(part, torch.nn.Conv3d | torch.nn.Linear) and name != "fc"
    ]
    assert sorted(name for names in stages.values() for name in names) == sorted(layers)
    assert stages["stage1"][0] == "conv1"
    # One stage is no choice.
    assert stage_layers(network.model, groups[:1]) == {}


def test_depthwise_layers_go_with_their_channels() -> None:
    model = build_model(
        "mobilenet",
        n_classes=2,
        sample_size=CLIP.sample_size,
        sample_duration=CLIP.sample_duration,
        width_mult=0.25,
    )
    assert all(name.endswith(".inner") for name in groups_of(model))


def test_stem_and_hidden_layers_can_be_decomposed(network: Network) -> None:
    units = decomposable(network.model)
    assert units["stem"] == ("conv1.weight",)
    assert "layer1.0.conv1.weight" in units["hidden"]
    # A shortcut of 1x1x1 reaches over neither space nor time.
    assert not any("downsample" in name for name in units["hidden"])
