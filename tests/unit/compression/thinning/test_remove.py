"""Thinning: what goes, what stays and why, and what it does to parameters and optimizers."""

from __future__ import annotations

import copy

import pytest
import torch
from models_tiny import apply_masks, random_masks, tiny_clip, tiny_network
from torch import Tensor, nn

from vcc.compression.thinning.remove import thin_
from vcc.errors import ScheduleError
from vcc.models import build_model, count_macs
from vcc.models.layers import ChannelPad


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def plain_net() -> nn.Sequential:
    """Return conv, BatchNorm, ReLU, conv, pool, classifier in float64, with random statistics."""
    net = nn.Sequential(
        nn.Conv3d(3, 8, 3, padding=1),
        nn.BatchNorm3d(8),
        nn.ReLU(),
        nn.Conv3d(8, 6, 3, padding=1),
        nn.AdaptiveAvgPool3d(1),
        nn.Flatten(),
        nn.Linear(6, 2),
    ).double()
    nn.init.normal_(net[1].running_mean)
    nn.init.uniform_(net[1].bias, 0.5, 1.0)
    return net.eval()


def filter_mask(weight: Tensor, *dead: int) -> Tensor:
    keep = torch.ones(weight.shape[0], dtype=torch.bool)
    keep[list(dead)] = False
    return keep.view(-1, *[1] * (weight.dim() - 1))


CLIP = (1, 3, 2, 6, 6)


class TestRemoval:
    def test_masked_filters_go_with_everything_that_has_their_channel(self):
        net, clip = plain_net(), torch.randn(CLIP, dtype=torch.float64)
        masks = {"0.weight": filter_mask(net[0].weight, 1, 4)}
        apply_masks(net, {k: m.expand(net[0].weight.shape) for k, m in masks.items()}, clip)
        expected = net(clip)
        report = thin_(net, masks, clip)
        assert net[0].weight.shape == (6, 3, 3, 3, 3)
        assert net[0].bias.shape == net[1].running_mean.shape == (6,)
        assert net[3].weight.shape == (6, 6, 3, 3, 3)
        assert (net[0].out_channels, net[1].num_features, net[3].in_channels) == (6, 6, 6)
        assert report.removed == 2
        assert (net(clip) - expected).abs().max() < 1e-12

    @pytest.mark.parametrize("form", ["column", "expanded", "full", "float"])
    def test_masks_may_broadcast(self, form):
        net, clip = plain_net(), torch.randn(CLIP, dtype=torch.float64)
        mask = filter_mask(net[0].weight, 2)
        apply_masks(net, {"0.weight": mask.expand(net[0].weight.shape)}, clip)
        mask = {
            "column": mask,
            "expanded": mask.expand(net[0].weight.shape),
            "full": mask.expand(net[0].weight.shape).clone(),
            "float": mask.double(),
        }[form]
        assert thin_(net, {"0.weight": mask, "3.weight": None}, clip).removed == 1

    def test_a_filter_with_one_weight_left_stays(self):
        net, clip = plain_net(), torch.randn(CLIP, dtype=torch.float64)
        mask = filter_mask(net[0].weight, 2).expand(net[0].weight.shape).clone()
        mask[2, 0, 0, 0, 0] = True
        assert thin_(net, {"0.weight": mask}, clip).removed == 0

    def test_hidden_linear_layers_are_thinned_too(self):
        net = nn.Sequential(
            nn.Conv3d(3, 4, 1), nn.Flatten(), nn.Linear(4 * 8, 5), nn.ReLU(), nn.Linear(5, 2)
        ).double()
        clip = torch.randn(1, 3, 2, 2, 2, dtype=torch.float64)
        masks = {
            "0.weight": filter_mask(net[0].weight, 3),
            "2.weight": filter_mask(net[2].weight, 0),
        }
        with torch.no_grad():
            net[0].weight[3], net[0].bias[3] = 0, 0
            net[2].weight[0], net[2].bias[0] = 0, 0
        expected = net(clip)
        thin_(net, masks, clip)
        assert net[2].weight.shape == (4, 3 * 8)
        assert (net(clip) - expected).abs().max() < 1e-12

    def test_zero_padding_keeps_the_leading_channels_aligned(self):
        model, clip = tiny_network("resnet10a"), tiny_clip()
        masks = {}
        for name, weight in model.named_parameters():
            if name == "conv1.weight" or name.endswith("conv2.weight"):
                dead = (2, 5) if weight.shape[0] == 8 else (2, 5, 9)
                masks[name] = filter_mask(weight, *dead).expand(weight.shape)
        apply_masks(model, masks, clip)
        expected = model(clip)
        report = thin_(model, masks, clip)
        assert all(row.left == 0 for row in report.rows)
        pad = model.layer2[0].downsample
        assert isinstance(pad, ChannelPad)
        assert (pad.n_in, pad.n_out) == (6, 13)
        assert (model(clip) - expected).abs().max() < 1e-12

    @pytest.mark.parametrize(
        ("family", "options", "gmacs"),
        [
            ("resnet", {"model_depth": 18}, 2.91),
            ("mobilenetv2", {}, 0.21),
            ("csn", {"model_depth": 50, "model_type": "ip"}, 1.93),
        ],
    )
    def test_half_the_filters_leave_the_known_work(self, family, options, gmacs):
        model = build_model(family, n_classes=101, **options)
        clip = torch.zeros(1, 3, 2, 16, 16)
        masks = {}
        for name, weight in model.named_parameters():
            if weight.dim() == 5:
                masks[name] = filter_mask(weight, *range(0, weight.shape[0], 2)).expand(
                    weight.shape
                )
        apply_masks(model, masks, clip)
        thin_(model, masks, clip)
        assert count_macs(model) / 1e9 == pytest.approx(gmacs, abs=0.005)

    def test_depthwise_masks_of_their_own_are_enough(self):
        model, clip = tiny_network("mobilenetv2"), tiny_clip()
        name = "features.2.conv.3.weight"
        weight = model.get_parameter(name)
        masks = {name: filter_mask(weight, 1, 2).expand(weight.shape)}
        apply_masks(model, masks, clip)
        expected = model(clip)
        assert thin_(model, masks, clip).removed == 4
        assert model.features[2].conv[3].groups == weight.shape[0] - 2
        assert (model(clip) - expected).abs().max() < 1e-12


class TestReport:
    def test_says_who_keeps_a_channel(self):
        model, clip = tiny_network("resnet18b"), tiny_clip()
        masks = {
            "conv1.weight": filter_mask(model.conv1.weight, 1, 2, 3),
            "layer1.0.conv2.weight": filter_mask(model.layer1[0].conv2.weight, 1, 2),
            "layer1.1.conv2.weight": filter_mask(model.layer1[1].conv2.weight, 1),
        }
        apply_masks(
            model, {n: m.expand(model.get_parameter(n).shape) for n, m in masks.items()}, clip
        )
        report = thin_(model, masks, clip)
        row = next(row for row in report.rows if row.layer == "conv1")
        assert (row.channels, row.asked, row.masked, row.removed, row.left) == (8, 3, 1, 1, 2)
        assert row.why == (
            "1 coupled with layer1.0.conv2, which keeps the channel; "
            "1 coupled with layer1.1.conv2, which keeps the channel"
        )
        assert report.as_text().splitlines()[0].split() == [
            "layer", "channels", "asked", "masked", "removed", "left", "why"
        ]  # fmt: skip
        assert report.as_text().endswith("3 of 600 channels removed")

    def test_a_batchnorm_that_was_not_masked_keeps_its_channel(self):
        net, clip = plain_net(), torch.randn(CLIP, dtype=torch.float64)
        with torch.no_grad():
            net[0].weight[1], net[0].bias[1] = 0, 0
        expected = net(clip)
        report = thin_(net, {"0.weight": filter_mask(net[0].weight, 1)}, clip)
        assert report.rows[0].why == "1 weight and bias of 1 are not masked with the filter"
        assert torch.equal(net(clip), expected)

    def test_a_bias_that_was_not_masked_keeps_its_channel(self):
        net, clip = plain_net(), torch.randn(CLIP, dtype=torch.float64)
        with torch.no_grad():
            net[3].weight[1] = 0
        report = thin_(net, {"3.weight": filter_mask(net[3].weight, 1)}, clip)
        assert report.rows[1].why == "1 the bias of 3 is not masked with the filter"

    def test_a_sigmoid_keeps_its_channels(self):
        net = nn.Sequential(nn.Conv3d(3, 4, 1, bias=False), nn.Sigmoid(), nn.Conv3d(4, 2, 1))
        net.append(nn.Flatten()).append(nn.Linear(2, 2))
        with torch.no_grad():
            net[0].weight[1] = 0
        masks = {"0.weight": filter_mask(net[0].weight, 1)}
        report = thin_(net, masks, torch.randn(1, 3, 1, 1, 1))
        assert report.removed == 0
        assert "an operation in front of 2 keeps no zeros" in report.rows[0].why

    def test_a_grouped_convolution_keeps_what_would_leave_its_groups_unequal(self):
        net = nn.Sequential(
            nn.Conv3d(3, 4, 1, bias=False), nn.Conv3d(4, 4, 1, groups=2), nn.Flatten(),
            nn.Linear(4, 2),
        )  # fmt: skip
        with torch.no_grad():
            net[0].weight[1:3] = 0
            net[0].weight[3] = 0
        masks = {"0.weight": filter_mask(net[0].weight, 1, 2, 3)}
        clip = torch.randn(1, 3, 1, 1, 1)
        expected = net(clip)
        report = thin_(net, masks, clip)
        assert (report.rows[0].removed, report.rows[0].left) == (2, 1)
        assert report.rows[0].why == "1 kept so that grouped convolutions stay equal"
        assert (net[1].in_channels, net[1].groups) == (2, 2)
        torch.testing.assert_close(net(clip), expected)

    def test_a_transposed_convolution_keeps_its_channels(self):
        net = nn.Sequential(
            nn.Conv3d(3, 4, 1, bias=False), nn.ConvTranspose3d(4, 2, 1), nn.Flatten(),
            nn.Linear(2, 2),
        )  # fmt: skip
        with torch.no_grad():
            net[0].weight[1] = 0
        masks = {"0.weight": filter_mask(net[0].weight, 1)}
        report = thin_(net, masks, torch.randn(1, 3, 1, 1, 1))
        assert "coupled with 1, a ConvTranspose3d, which cannot be thinned" in report.rows[0].why

    def test_slices_what_is_shaped_like_a_parameter(self):
        net, clip = plain_net(), torch.randn(CLIP, dtype=torch.float64)
        masks = {"0.weight": filter_mask(net[0].weight, 1, 4).expand(net[0].weight.shape)}
        apply_masks(net, masks, clip)
        average = {name: tensor.clone() for name, tensor in net.state_dict().items()}
        report = thin_(net, masks, clip)
        for name, tensor in net.state_dict().items():
            assert torch.equal(report.slice(name, average[name]), tensor)
        column = filter_mask(torch.zeros(6, 8, 3, 3, 3), 0)
        assert report.slice("3.weight", column).shape == (6, 1, 1, 1, 1)


class TestRounding:
    def test_widths_stay_multiples(self):
        model, clip = tiny_network("resnet18b", width_mult=0.5), tiny_clip()
        masks = random_masks(model, clip, together=0.6, alone=0.0)
        apply_masks(model, masks, clip)
        expected = model(clip)
        report = thin_(model, masks, clip, round_to=8)
        assert report.removed > 0
        for module in model.modules():
            if isinstance(module, nn.Conv3d):
                assert module.out_channels % 8 == 0
        assert (model(clip) - expected).abs().max() < 1e-9
        assert any("kept by round_to" in row.why for row in report.rows)

    def test_zero_is_refused(self):
        with pytest.raises(ScheduleError, match="round_to: 0 is out of range"):
            thin_(plain_net(), {}, torch.zeros(CLIP).double(), round_to=0)


class TestErrors:
    def test_groups_of_one_filter_with_several_inputs_are_refused(self):
        net = nn.Sequential(nn.Conv3d(3, 8, 1), nn.Conv3d(8, 4, 1, groups=4))
        with pytest.raises(ScheduleError, match="1: 4 groups of one filter with several inputs"):
            thin_(net, {}, torch.randn(1, 3, 1, 1, 1))

    def test_a_layer_without_channels_is_named_and_nothing_changes(self):
        net, clip = plain_net(), torch.randn(CLIP, dtype=torch.float64)
        masks = {"0.weight": torch.zeros(net[0].weight.shape, dtype=torch.bool)}
        apply_masks(net, masks, clip)
        with pytest.raises(ScheduleError, match="0: every channel is masked, so thinning would"):
            thin_(net, masks, clip)
        assert net[0].weight.shape == (8, 3, 3, 3, 3)

    def test_unknown_names_suggest_the_nearest(self):
        with pytest.raises(ScheduleError, match=r"did you mean 0.bias or"):
            thin_(plain_net(), {"0.bios": None}, torch.zeros(CLIP).double())

    def test_masks_must_fit(self):
        with pytest.raises(ScheduleError, match=r"shape \(8,\), which does not fit \(8, 3"):
            thin_(plain_net(), {"0.weight": torch.ones(8)}, torch.zeros(CLIP).double())


class TestOptimizers:
    @pytest.mark.parametrize("kind", ["sgd", "adamw"])
    def test_training_goes_on_as_if_masked(self, kind):
        """One more step moves the thinned network to where the masked one's kept weights go."""
        net, clip = plain_net().train(), torch.randn(4, *CLIP[1:], dtype=torch.float64)
        masks = {"0.weight": filter_mask(net[0].weight, 1, 4).expand(net[0].weight.shape)}
        other = copy.deepcopy(net)
        for model, thinned in ((net, True), (other, False)):
            optimizer = (
                torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
                if kind == "sgd"
                else torch.optim.AdamW(model.parameters(), lr=0.1)
            )
            loss = model(clip).square().sum()
            loss.backward()
            optimizer.step()
            apply_masks(model, masks, clip)
            if thinned:
                report = thin_(model, masks, clip, optimizer=optimizer)
            optimizer.zero_grad()
            # The old loss is still alive here, and with it autograd's memory of old shapes.
            model(clip).square().sum().backward()
            optimizer.step()
        expected = dict(other.named_parameters())
        for name, parameter in net.named_parameters():
            torch.testing.assert_close(parameter, report.slice(name, expected[name]))

    def test_state_and_groups_follow_the_parameters(self):
        net, clip = plain_net(), torch.randn(CLIP, dtype=torch.float64)
        optimizer = torch.optim.AdamW(
            [{"params": net[0].parameters(), "lr": 0.5}, {"params": net[3].parameters()}], lr=0.1
        )
        net(clip).sum().backward()
        optimizer.step()
        moments = optimizer.state[net[3].weight]["exp_avg"].clone()
        masks = {"0.weight": filter_mask(net[0].weight, 1, 4).expand(net[0].weight.shape)}
        apply_masks(net, masks, clip)
        thin_(net, masks, clip, optimizer=optimizer)
        assert [p.shape[0] for p in optimizer.param_groups[0]["params"]] == [6, 6]
        assert optimizer.param_groups[0]["lr"] == 0.5
        assert len(optimizer.state) == 4
        kept = [0, 2, 3, 5, 6, 7]
        assert torch.equal(optimizer.state[net[3].weight]["exp_avg"], moments[:, kept])
        assert net[3].weight.grad.shape == net[3].weight.shape
