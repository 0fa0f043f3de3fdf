"""The networks are the published ones: state-dict names, shapes and logits."""

from __future__ import annotations

import pytest
import torch
from models_reference import (
    csn_logits,
    golden_layout,
    mobilenetv2_logits,
    random_state,
    resnet_logits,
)
from models_tiny import VARIANTS, tiny_clip, tiny_network
from torch import nn

from vcc.models import build_model
from vcc.models.blueprint import blueprint
from vcc.models.layers import ChannelPad

PUBLISHED = {
    "resnet18a": ("resnet", 400, {"model_depth": 18, "resnet_shortcut": "A"}, resnet_logits),
    "resnet18b": ("resnet", 700, {"model_depth": 18, "resnet_shortcut": "B"}, resnet_logits),
    "resnet50b": ("resnet", 101, {"model_depth": 50, "resnet_shortcut": "B"}, resnet_logits),
    "mobilenetv2": ("mobilenetv2", 600, {}, mobilenetv2_logits),
    "csn26ip": ("csn", 101, {"model_depth": 26, "model_type": "ip"}, csn_logits),
    "csn50ir": ("csn", 101, {"model_depth": 50, "model_type": "ir"}, csn_logits),
}


class TestPublishedNetworks:
    @pytest.mark.parametrize("name", PUBLISHED)
    def test_names_and_shapes_are_the_published_ones(self, name):
        family, n_classes, options, _ = PUBLISHED[name]
        with blueprint():
            model = build_model(family, n_classes=n_classes, **options)
        layout = {key: tuple(value.shape) for key, value in model.state_dict().items()}
        assert layout == golden_layout(name)

    @pytest.mark.parametrize("name", PUBLISHED)
    def test_logits_are_the_published_ones(self, name):
        family, n_classes, options, logits = PUBLISHED[name]
        state = random_state(golden_layout(name))
        model = build_model(family, n_classes=n_classes, **options).eval()
        model.load_state_dict(state, strict=True)
        clips = torch.randn(1, 3, 5, 40, 36)
        with torch.no_grad():
            ours, published = model(clips), logits(state, clips)
        assert published.abs().max() > 0.1
        assert (ours - published).abs().max() <= 1e-5 * max(1.0, float(published.abs().max()))

    @pytest.mark.parametrize("variant", ["resnet50a", "csn26ir", "mobilenetv2"])
    def test_narrow_networks_follow_the_same_rule(self, variant):
        model = tiny_network(variant)
        logits = {"resnet": resnet_logits, "csn": csn_logits, "mobilenetv2": mobilenetv2_logits}
        clips = tiny_clip()
        expected = logits[model.spec.family](model.state_dict(), clips)
        torch.testing.assert_close(model(clips), expected)


class TestInputs:
    @pytest.mark.parametrize("variant", VARIANTS)
    @pytest.mark.parametrize("size", [(1, 17, 33), (7, 45, 30), (16, 32, 32)])
    def test_any_clip_size_gives_logits(self, variant, size):
        model = tiny_network(variant)
        assert model(torch.randn(2, 3, *size, dtype=torch.float64)).shape == (2, 4)


class TestChannelPad:
    def test_subsamples_and_appends_zeros(self):
        x = torch.arange(2 * 3 * 3 * 3, dtype=torch.float32).view(1, 2, 3, 3, 3)
        out = ChannelPad(2, 5, stride=2)(x)
        assert out.shape == (1, 5, 2, 2, 2)
        assert torch.equal(out[:, :2], x[:, :, ::2, ::2, ::2])
        assert not out[:, 2:].any()

    def test_gradient_passes_through_the_shortcut_alone(self):
        model = tiny_network("resnet10a")
        # With the second BatchNorm of a block dead, only the shortcut carries a gradient.
        for stage in (model.layer2, model.layer3, model.layer4):
            nn.init.zeros_(stage[0].bn2.weight)
        model(tiny_clip()).sum().backward()
        assert model.conv1.weight.grad.abs().max() > 0

    def test_has_no_state(self):
        assert not ChannelPad(2, 4).state_dict()


class TestHead:
    @pytest.mark.parametrize("variant", VARIANTS)
    def test_head_is_the_last_layer(self, variant):
        model = tiny_network(variant)
        assert model.head.out_features == 4
        assert list(model.state_dict())[-2:] == [
            f"{model.head_name}.weight",
            f"{model.head_name}.bias",
        ]

    def test_dropout_acts_in_training_only(self):
        model = build_model("csn", n_classes=4, model_depth=26, width_mult=0.125, dropout=0.9)
        clip = torch.randn(1, 3, 4, 24, 24)
        model.eval()
        assert torch.equal(model(clip), model(clip))
        model.dropout.train()
        assert not torch.equal(model(clip), model(clip))
