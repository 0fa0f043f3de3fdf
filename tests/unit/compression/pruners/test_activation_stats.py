"""Statistics of activations by channel: by hand, and from the right module."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from vcc.compression.pruners.activation_stats import (
    ActivationStatistics,
    activation_source,
    channel_apoz,
    channel_means,
)

BATCH = torch.tensor([[[0.0, 2.0], [0.0, 0.0]], [[4.0, 0.0], [0.0, 1.0]]])


def test_zeros_are_counted_in_percent_by_channel() -> None:
    assert channel_apoz(BATCH).tolist() == [50.0, 75.0]
    assert channel_means(BATCH).tolist() == [1.5, 0.25]


def network() -> nn.Sequential:
    """Return a network in which Distiller's naming finds a ReLU, and one that it does not."""
    return nn.Sequential(
        OrderedDict(
            block=nn.Sequential(OrderedDict(conv1=nn.Conv3d(1, 2, 1), relu1=nn.ReLU())),
            stem=nn.Conv3d(2, 2, 1),
            norm=nn.BatchNorm3d(2),
        )
    )


def test_a_layer_s_activation_is_its_relu_s_or_its_batchnorm_s_or_its_own() -> None:
    model = network()
    assert activation_source(model, "block.conv1.weight", {}) == ("block.relu1", False)
    assert activation_source(model, "stem.weight", {"stem": "norm"}) == ("norm", True)
    assert activation_source(model, "stem.weight", {}) == ("stem", True)


def test_batches_of_training_are_averaged_and_saved() -> None:
    model = network()
    statistics = ActivationStatistics(model, ["stem.weight"], followers={}, statistic="mean")
    assert statistics("stem.weight") is None
    statistics.start()
    clips = [torch.randn(2, 1, 1, 2, 2) for _ in range(3)]
    expected = [channel_means(model.stem(model.block(clip)).relu()) for clip in clips]
    statistics.start()
    model.train()
    for clip in clips:
        model(clip)
    model.eval()
    model(clips[0] * 100)
    found = statistics("stem.weight")
    assert found is not None
    torch.testing.assert_close(found, torch.stack(expected).mean(dim=0))

    statistics.stop()
    assert not model.stem._forward_hooks
    resumed = ActivationStatistics(model, ["stem.weight"], followers={}, statistic="mean")
    resumed.load_state_dict(statistics.state_dict())
    again = resumed("stem.weight")
    assert again is not None
    assert torch.equal(again, found)
