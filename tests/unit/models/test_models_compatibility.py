"""The networks are the published ones: state-dict names, shapes and logits."""

from __future__ import annotations

import pytest
import torch
from models_reference import (
    c3d_logits,
    csn_logits,
    golden_layout,
    mobilenet_logits,
    mobilenetv2_logits,
    random_state,
    resnet_logits,
)
from models_reference_lineage import (
    densenet_logits,
    pre_act_resnet_logits,
    resnet2p1d_logits,
    slow_logits,
    x3d_logits,
)
from models_reference_shuffle import (
    shufflenet_logits,
    shufflenetv2_logits,
    squeezenet_logits,
)
from models_tiny import EACH_KIND, tiny_clip, tiny_network
from torch import nn

from vcc.errors import ModelError
from vcc.models import build_model
from vcc.models.blueprint import blueprint
from vcc.models.catalog import identify
from vcc.models.layers import ChannelPad, ChannelShuffle, ChannelSplit
from vcc.models.network import head_of

PUBLISHED = {
    "resnet18a": ("resnet", 400, {"model_depth": 18, "resnet_shortcut": "A"}, resnet_logits),
    "resnet18b": ("resnet", 700, {"model_depth": 18, "resnet_shortcut": "B"}, resnet_logits),
    "resnet50b": ("resnet", 101, {"model_depth": 50, "resnet_shortcut": "B"}, resnet_logits),
    "mobilenetv2": ("mobilenetv2", 600, {}, mobilenetv2_logits),
    "mobilenet": ("mobilenet", 600, {}, mobilenet_logits),
    "resnext50a": ("resnext", 400, {"model_depth": 50, "resnet_shortcut": "A"}, resnet_logits),
    "resnext101b": ("resnext", 600, {"model_depth": 101, "resnet_shortcut": "B"}, resnet_logits),
    "c3d": ("c3d", 600, {}, c3d_logits),
    "csn26ip": ("csn", 101, {"model_depth": 26, "model_type": "ip"}, csn_logits),
    "csn50ir": ("csn", 101, {"model_depth": 50, "model_type": "ir"}, csn_logits),
    "squeezenet1.0": ("squeezenet", 600, {"version": 1.0}, squeezenet_logits),
    "squeezenet1.1": ("squeezenet", 600, {"version": 1.1}, squeezenet_logits),
    "shufflenetg1": ("shufflenet", 600, {"groups": 1}, shufflenet_logits),
    "shufflenetg3": ("shufflenet", 600, {"groups": 3}, shufflenet_logits),
    "shufflenetg3-0.5": ("shufflenet", 600, {"groups": 3, "width_mult": 0.5}, shufflenet_logits),
    "shufflenetg8": ("shufflenet", 600, {"groups": 8}, shufflenet_logits),
    "shufflenetv2-0.25": ("shufflenetv2", 600, {"width_mult": 0.25}, shufflenetv2_logits),
    "shufflenetv2-1.0": ("shufflenetv2", 600, {"width_mult": 1.0}, shufflenetv2_logits),
    "shufflenetv2-2.0": ("shufflenetv2", 600, {"width_mult": 2.0}, shufflenetv2_logits),
    "resnet2p1d18b": ("resnet2p1d", 700, {"model_depth": 18}, resnet2p1d_logits),
    "resnet2p1d50b": ("resnet2p1d", 1039, {"model_depth": 50}, resnet2p1d_logits),
    "pre_act_resnet18b": ("pre_act_resnet", 400, {"model_depth": 18}, pre_act_resnet_logits),
    "pre_act_resnet50b": ("pre_act_resnet", 400, {"model_depth": 50}, pre_act_resnet_logits),
    "wide_resnet50b": ("wide_resnet", 400, {}, resnet_logits),
    "wide_resnet50b-plain": ("wide_resnet", 400, {"wide_resnet_stem": "plain"}, resnet_logits),
    "densenet121": ("densenet", 400, {}, densenet_logits),
    "x3d-m": ("x3d", 400, {}, x3d_logits),
    "slow50": ("slow", 400, {}, slow_logits),
}
# Those of which by default the names, the shapes and a narrow network's logits are compared.
_LARGE = ("c3d", "resnet2p1d50b", "pre_act_resnet18b", "wide_resnet50b", "wide_resnet50b-plain")
# The published ShuffleNet pools halves of the frames, and nothing smaller than its window, as
# DenseNet does.
# C3D takes one size.
CLIPS = {
    "shufflenet": (1, 3, 16, 96, 80),
    "c3d": (1, 3, 16, 112, 112),
    "densenet": (1, 3, 16, 64, 72),
}


class TestPublishedNetworks:
    @pytest.mark.parametrize("name", PUBLISHED)
    def test_names_and_shapes_are_the_published_ones(self, name):
        family, n_classes, options, _ = PUBLISHED[name]
        with blueprint():
            model = build_model(family, n_classes=n_classes, **options)
        layout = {key: tuple(value.shape) for key, value in model.state_dict().items()}
        assert layout == golden_layout(name)

    @pytest.mark.parametrize(
        ("name", "found"),
        [
            ("c3d", "c3d"),
            ("mobilenet", "mobilenet"),
            ("resnext50a", "resnext (model_depth=50, resnet_shortcut=A)"),
            ("squeezenet1.0", "squeezenet (version=1.0)"),
            ("squeezenet1.1", "squeezenet (version=1.1)"),
            ("shufflenetg8", "shufflenet (groups=8)"),
            ("densenet121", "densenet (model_depth=121)"),
            ("x3d-m", "x3d (x3d_size=m)"),
            ("slow50", "slow (model_depth=50)"),
        ],
    )
    def test_a_published_file_is_recognised(self, name, found):
        assert identify(golden_layout(name)) == found

    @pytest.mark.parametrize(
        "name",
        [
            # C3D has 78 M parameters and 33 GMACs on its only clip size.
            pytest.param(name, marks=pytest.mark.slow) if name in _LARGE else name
            for name in PUBLISHED
        ],
    )
    def test_logits_are_the_published_ones(self, name):
        family, n_classes, options, logits = PUBLISHED[name]
        state = random_state(golden_layout(name))
        model = build_model(family, n_classes=n_classes, **options).eval()
        model.load_state_dict(state, strict=True)
        clips = torch.randn(CLIPS.get(family, (1, 3, 5, 40, 36)))
        with torch.no_grad():
            ours, published = model(clips), logits(state, clips)
        assert published.abs().max() > 0.1
        assert (ours - published).abs().max() <= 1e-5 * max(1.0, float(published.abs().max()))

    @pytest.mark.parametrize(
        "variant",
        [
            *("resnet50a", "csn26ir", "mobilenetv2", "mobilenet", "resnext50a", "c3d"),
            *("squeezenet1.1", "resnet2p1d10a", "pre_act_resnet10b", "wide_resnet50b"),
            *("x3d", "slow50"),
        ],
    )
    def test_narrow_networks_follow_the_same_rule(self, variant):
        model = tiny_network(variant)
        logits = {family: function for family, _, _, function in PUBLISHED.values()}
        clips = tiny_clip(variant)
        expected = logits[model.spec.family](model.state_dict(), clips)
        torch.testing.assert_close(model(clips), expected)

    def test_squeezenet_s_window_is_the_whole_at_the_size_it_was_built_for(self):
        state = random_state(golden_layout("squeezenet1.1"))
        clips = torch.randn(1, 3, 16, 112, 112)
        model = build_model("squeezenet", n_classes=600).eval()
        model.load_state_dict(state, strict=True)
        with torch.no_grad():
            published = squeezenet_logits(state, clips, size=(16, 112))
            assert published.shape == (1, 600)
            torch.testing.assert_close(model(clips), published, rtol=1e-4, atol=1e-4)


class TestInputs:
    @pytest.mark.parametrize("variant", [each for each in EACH_KIND if each.values != ("c3d",)])
    @pytest.mark.parametrize("size", [(1, 17, 33), (7, 45, 30), (16, 32, 32)])
    def test_any_clip_size_gives_logits(self, variant, size):
        model = tiny_network(variant)
        assert model(torch.randn(2, 3, *size, dtype=torch.float64)).shape == (2, 4)

    @pytest.mark.parametrize("size", [(8, 32, 32), (10, 32, 32), (9, 32, 33), (9, 31, 32)])
    def test_c3d_takes_the_size_that_it_was_built_for_and_no_other(self, size):
        model = tiny_network("c3d")
        assert model(torch.randn(2, 3, 9, 32, 32, dtype=torch.float64)).shape == (2, 4)
        given = "x".join(map(str, size))
        with pytest.raises(ModelError, match=f"for clips of 9x32x32, given one of {given}:"):
            model(torch.randn(2, 3, *size, dtype=torch.float64))

    @pytest.mark.parametrize(
        ("duration", "size", "width"),
        # Where the published formula, 512 * (T // 16) * ceil(S / 32)^2, holds, and the smallest.
        [(16, 112, 8192), (24, 48, 512 * 4), (17, 80, 512 * 9), (9, 16, 512)],
    )
    def test_c3d_is_built_for_what_its_pools_leave(self, duration, size, width):
        with blueprint():
            model = build_model("c3d", n_classes=2, sample_duration=duration, sample_size=size)
            model.eval()
            assert model.fc1[0].in_features == width
            assert model(torch.empty(1, 3, duration, size, size)).shape == (1, 2)

    @pytest.mark.parametrize(("duration", "size"), [(8, 112), (16, 15), (1, 1)])
    def test_c3d_is_not_built_for_clips_that_leave_nothing(self, duration, size):
        with pytest.raises(ModelError, match=f"nothing of a clip of {duration}x{size}x{size}: .*9"):
            build_model("c3d", n_classes=2, sample_duration=duration, sample_size=size)


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


class TestChannelShuffle:
    def test_is_the_published_reshape(self):
        x = torch.randn(2, 12, 1, 2, 2)
        expected = x.view(2, 3, 4, 1, 2, 2).transpose(1, 2).reshape(x.shape)
        assert torch.equal(ChannelShuffle(12, 3)(x), expected)

    def test_takes_any_order_and_knows_the_plain_one(self):
        shuffle = ChannelShuffle(6, 2)
        shuffle.set_order([2, 0, 1])
        assert shuffle.n_out == 3
        assert shuffle.own_order == [2, 0, 1]
        x = torch.arange(3.0).view(1, 3, 1, 1, 1)
        assert shuffle(x).flatten().tolist() == [2, 0, 1]
        shuffle.set_order([0, 2, 1, 3])
        assert shuffle.own_order is None
        assert shuffle(torch.arange(4.0).view(1, 4, 1, 1, 1)).flatten().tolist() == [0, 2, 1, 3]

    def test_an_order_names_every_channel_once(self):
        with pytest.raises(ValueError, match="once"):
            ChannelShuffle(4, 2).set_order([0, 0, 1])

    def test_what_it_was_used_for_in_inference_does_not_stop_training(self):
        shuffle, x = ChannelShuffle(4, 2), torch.ones(1, 4, 1, 1, 1)
        with torch.inference_mode():
            shuffle(x)
        x.requires_grad_()
        shuffle(x).sum().backward()
        assert x.grad.sum() == 4

    def test_has_no_state(self):
        assert not ChannelShuffle(4, 2).state_dict()


class TestChannelSplit:
    def test_cuts_runs_of_any_size(self):
        x = torch.arange(5.0).view(1, 5, 1, 1, 1)
        parts = ChannelSplit(2, 3)(x)
        assert [part.flatten().tolist() for part in parts] == [[0, 1], [2, 3, 4]]
        assert not ChannelSplit(2, 3).state_dict()


class TestHead:
    @pytest.mark.parametrize("variant", EACH_KIND)
    def test_head_is_the_last_layer(self, variant):
        model = tiny_network(variant)
        assert head_of(model).weight.shape[0] == 4
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
