"""What a quantizer may be told: clip modes, bits, channels, overrides, statistics, ReLU6, joins."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from statistics_files import save_statistics
from torch import Tensor, nn

from vcc.compression import file_config
from vcc.compression.policies.quantization import QuantizationPolicy
from vcc.compression.quantization.clipping import ActivationStats, clip_range
from vcc.compression.quantization.settings import CLIP_MODES
from vcc.compression.quantization.statistics import (
    N_BINS,
    RunningStats,
    collect_statistics,
    load_statistics,
    tensor_stats,
)
from vcc.errors import ScheduleError
from vcc.models.quantized.arithmetic import integer_range, linear_parameters
from vcc.models.quantized.modules import ActivationQuantizer, ClippedActivation
from vcc.models.quantized.plan import activation_quantizers, describe_quantizers
from vcc.models.quantized.weight import WeightQuantizer

CLIP = (2, 3, 4, 6, 6)


class Branches(nn.Module):
    """Two branches that are concatenated, a residual block, ReLU and ReLU6."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Conv3d(3, 4, 1), nn.Conv3d(3, 4, 3, padding=1)
        self.relu6 = nn.ReLU6()
        self.block = Residual(8)
        self.fc = nn.Linear(8, 3)

    def forward(self, clip: Tensor) -> Tensor:
        both = torch.cat([self.left(clip), self.right(clip)], dim=1)
        features = self.block(self.relu6(both)).mean(dim=(2, 3, 4))
        logits: Tensor = self.fc(features)
        return logits


class Residual(nn.Module):
    """y = ReLU(x + conv2(ReLU(BatchNorm(conv1(x)))))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv3d(channels, channels, 3, padding=1), nn.BatchNorm3d(channels)
        self.conv2, self.relu = nn.Conv3d(channels, channels, 1), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.relu(x + self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return out


def clips(seed: int = 0) -> Tensor:
    return torch.randn(CLIP, generator=torch.Generator().manual_seed(seed))


def quantized(class_name: str, **fields: Any) -> nn.Module:
    torch.manual_seed(0)
    model = Branches().eval()
    schedule = {
        "quantizers": {"q": {"class": class_name, **fields}},
        "policies": [{"quantizer": {"instance_name": "q"}, "epochs": [0]}],
    }
    scheduler = file_config(
        model, None, schedule, example_input=clips(), calibration=lambda: [clips(), clips(1)]
    )
    scheduler.begin_seam(0)
    return model.eval()


def plan_of(model: nn.Module) -> dict[str, Any]:
    plan = describe_quantizers(model)
    assert plan is not None
    return plan


PTQ, QAT = "PostTrainLinearQuantizer", "QuantAwareTrainRangeLinearQuantizer"


class TestClipModes:
    def heavy_tailed(self) -> Tensor:
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(8, 50_000, generator=generator)
        # one value in ten thousand is far out
        x[:, ::10_000] *= 40
        return x

    def error(self, x: Tensor, found: tuple[float, float], bits: int, mode: str) -> float:
        low, high = (torch.tensor(end) for end in found)
        scale, zero_point = linear_parameters(low, high, bits, mode)
        q = torch.round(x * scale - zero_point).clamp(*integer_range(bits, mode))
        return float(((q + zero_point) / scale - x).square().mean())

    def test_percentile_is_the_quantile_of_the_histogram(self) -> None:
        x = torch.linspace(-1, 3, 1_000_001).reshape(1, -1)
        low, high = clip_range(tensor_stats(x), "PERCENTILE", bits=8, mode="ASYMMETRIC_UNSIGNED")
        width = 4 / N_BINS
        assert low == pytest.approx(float(torch.quantile(x[0, ::7], 0.0001)), abs=2 * width)
        assert high == pytest.approx(float(torch.quantile(x[0, ::7], 0.9999)), abs=2 * width)

    @pytest.mark.parametrize("mode", ["SYMMETRIC", "ASYMMETRIC_UNSIGNED"])
    @pytest.mark.parametrize("bits", [2, 4, 8])
    def test_mse_is_the_least_error_of_all_shares_of_the_range(self, mode: str, bits: int) -> None:
        x = self.heavy_tailed()
        stats = tensor_stats(x)
        found = self.error(x, clip_range(stats, "MSE", bits=bits, mode=mode), bits, mode)
        for shrink in torch.linspace(0.05, 1.0, 20).tolist():
            other = (shrink * stats.minimum, shrink * stats.maximum)
            assert found <= 1.02 * self.error(x, other, bits, mode)

    @pytest.mark.parametrize("clip", ["PERCENTILE", "ENTROPY", "MSE"])
    def test_outliers_are_clipped(self, clip: str) -> None:
        x = self.heavy_tailed()
        stats = tensor_stats(x)
        low, high = clip_range(stats, clip, bits=8, mode="ASYMMETRIC_UNSIGNED")
        assert stats.minimum < 0.8 * low < 0 < high < 0.8 * stats.maximum
        # and what is left is most of it
        assert float(((x >= low) & (x <= high)).float().mean()) > 0.99

    def test_entropy_keeps_a_distribution_without_outliers_nearly_whole(self) -> None:
        x = torch.rand(4, 50_000, generator=torch.Generator().manual_seed(0))
        _, high = clip_range(tensor_stats(x), "ENTROPY", bits=8, mode="ASYMMETRIC_UNSIGNED")
        assert high > 0.9

    @pytest.mark.parametrize("clip", CLIP_MODES)
    def test_each_mode_by_schedule_sets_the_range_that_it_means(self, clip: str) -> None:
        model = quantized(PTQ, clip_acts=clip, clip_n_stds=2.0, mode="ASYMMETRIC_UNSIGNED")
        tracked = activation_quantizers(model)["right.input_quantizer"]
        stats = tensor_stats(torch.cat([clips(), clips(1)]))
        expected = clip_range(stats, clip, bits=8, mode="ASYMMETRIC_UNSIGNED", n_stds=2.0)
        assert [float(tracked.low), float(tracked.high)] == pytest.approx(expected, rel=1e-4)
        assert bool(model(clips()).isfinite().all())

    def test_n_std_needs_a_number(self) -> None:
        with pytest.raises(ValueError, match="clip_n_stds"):
            clip_range(tensor_stats(clips()), "N_STD", bits=8, mode="SYMMETRIC")

    def test_weights_are_clipped_where_asked(self) -> None:
        free = quantized(PTQ, clip_acts="AVG", bits_parameters=4)
        clipped = quantized(PTQ, clip_acts="AVG", bits_parameters=4, also_clip_weights=True)
        assert "limit" not in plan_of(free)["layers"]["right"]["weight"]
        limit = plan_of(clipped)["layers"]["right"]["weight"]["limit"]
        assert 0 < limit < float(clipped.get_parameter("right.weight").detach().abs().max())


class TestBitsAndChannels:
    @pytest.mark.parametrize("bits", range(2, 9))
    def test_two_to_eight_bits_of_weights_and_activations(self, bits: int) -> None:
        model = quantized(PTQ, bits_activations=bits, bits_parameters=bits, per_channel_wts=True)
        layer = model.get_submodule("right")
        weight = layer.weight_quantizer(layer.weight).detach()  # type: ignore[operator]
        assert max(len(filter_.unique()) for filter_ in weight) <= 2**bits
        assert weight.unique().numel() > 2 ** (bits - 1)
        seen = layer.input_quantizer(clips())  # type: ignore[operator]
        assert 2 ** (bits - 1) < seen.unique().numel() <= 2**bits

    @pytest.mark.parametrize("class_name", [PTQ, QAT])
    def test_every_filter_of_a_5d_weight_has_its_own_scale(self, class_name: str) -> None:
        bits = {"bits_weights": 8, "bits_activations": 8} if class_name == QAT else {}
        model = quantized(class_name, per_channel_wts=True, **bits)
        layer = model.get_submodule("block.conv1")
        with torch.no_grad():
            layer.weight[0].mul_(0.001)  # type: ignore[operator,index]
        scale, _ = layer.weight_quantizer.parameters_of(layer.weight.detach())  # type: ignore[operator,union-attr]
        assert scale.shape == (8, 1, 1, 1, 1)
        error = (layer.weight_quantizer(layer.weight) - layer.weight).abs()[0].max()  # type: ignore[operator]
        # half a step of the filter's own range, not of the tensor's
        assert float(error.detach()) <= 0.51 / float(scale[0])

    def test_modes_of_weights_and_activations_may_differ(self) -> None:
        mode = {"activations": "ASYMMETRIC_UNSIGNED", "weights": "SYMMETRIC_RESTRICTED"}
        layers = plan_of(quantized(PTQ, mode=mode))["layers"]
        assert layers["right"]["weight"]["mode"] == "SYMMETRIC_RESTRICTED"
        assert layers["right"]["input"]["mode"] == "ASYMMETRIC_UNSIGNED"
        restricted = quantized(PTQ, mode=mode).get_submodule("right")
        levels = restricted.weight_quantizer.export_levels  # type: ignore[union-attr]
        assert int(levels.min()) >= -127  # type: ignore[operator]
        with pytest.raises(ScheduleError, match="did you mean SYMMETRIC"):
            quantized(PTQ, mode="SYMETRIC")

    @pytest.mark.parametrize("overrides", ["right", [{"right": {}}], 3])
    def test_overrides_map_patterns_to_settings(self, overrides: object) -> None:
        with pytest.raises(ScheduleError, match="overrides: .* is not a mapping"):
            quantized(PTQ, overrides=overrides)

    def test_targets_choose_what_their_kernels_run(self) -> None:
        cpu, gpu = (plan_of(quantized(PTQ, quant_target=name)) for name in ("cpu", "tensorrt"))
        assert (cpu["target"], gpu["target"]) == ("cpu", "tensorrt")
        assert cpu["layers"]["right"]["input"]["mode"] == "ASYMMETRIC_UNSIGNED"
        assert gpu["layers"]["right"]["input"]["mode"] == "SYMMETRIC"
        assert all(plan["layers"]["right"]["weight"]["per_channel"] for plan in (cpu, gpu))
        for module in quantized(PTQ, quant_target="tensorrt").modules():
            if isinstance(module, ActivationQuantizer | WeightQuantizer):
                assert int(module.export_zero.abs().sum()) == 0

    def test_the_network_s_input_may_be_wider_or_float(self) -> None:
        bits = {"bits_weights": 8, "bits_activations": 8}
        wide = plan_of(quantized(QAT, num_bits_inputs=12, **bits))["layers"]
        assert wide["left"]["input"]["bits"] == 12
        none = plan_of(quantized(QAT, quantize_inputs=False, **bits))["layers"]
        assert "input" not in none["left"]
        assert "input" in none["fc"]

    def test_biases_are_quantized_where_asked(self) -> None:
        layers = plan_of(quantized("DorefaQuantizer", bits_weights=4, bits_bias=8))["layers"]
        assert layers["right"]["bias"]["bits"] == 8


class TestOverrides:
    def test_the_first_pattern_in_order_wins(self) -> None:
        overrides = {
            r"block\.conv1": {"bits_weights": 2},
            r"block\..*": {"bits_weights": 5, "bits_activations": None},
            "left|right": {"bits_weights": None, "bits_activations": None, "bits_bias": None},
        }
        layers = plan_of(quantized(QAT, bits_weights=8, bits_activations=8, overrides=overrides))[
            "layers"
        ]
        assert layers["block.conv1"]["weight"]["bits"] == 2
        assert layers["block.conv2"]["weight"]["bits"] == 5
        assert "output" not in layers["block.conv2"]
        assert layers["fc"]["weight"]["bits"] == 8
        assert not {"left", "right"} & set(layers)

    def test_order_decides(self) -> None:
        overrides = {r"block\..*": {"bits_weights": 5}, r"block\.conv.": {"bits_weights": 2}}
        layers = plan_of(quantized(QAT, bits_weights=8, bits_activations=8, overrides=overrides))[
            "layers"
        ]
        assert layers["block.conv1"]["weight"]["bits"] == 5

    def test_a_layer_may_clip_its_own_way(self) -> None:
        overrides = {"fc": {"clip_acts": "AVG"}}
        model = quantized(PTQ, clip_acts="NONE", overrides=overrides)
        plain = quantized(PTQ, clip_acts="NONE")
        ranges = [
            float(activation_quantizers(each)["fc.input_quantizer"].high) for each in (model, plain)
        ]
        assert ranges[0] < ranges[1]


class TestActivations:
    @pytest.mark.parametrize("class_name", ["DorefaQuantizer", "WRPNQuantizer", "PACTQuantizer"])
    def test_relu_and_relu6_are_clipped(self, class_name: str) -> None:
        model = quantized(class_name, bits_activations=4, bits_weights=4)
        assert isinstance(model.relu6, ClippedActivation)
        block = model.get_submodule("block")
        assert isinstance(block.relu, ClippedActivation)
        top = 8.0 if class_name == "PACTQuantizer" else 1.0
        seen = model.relu6(torch.linspace(-10, 10, 4001))
        assert (float(seen.min()), float(seen.max())) == (0.0, pytest.approx(top))
        assert seen.unique().numel() == 16

    def test_both_inputs_of_a_sum_and_of_a_concatenation_are_quantized(self) -> None:
        model = quantized(PTQ)
        plan = plan_of(model)
        # the concatenation reads two convolutions, the sum a convolution and its block's input
        assert all("output" in plan["layers"][name] for name in ("left", "right", "block.conv2"))
        assert set(plan["entries"]) == {"block"}
        assert "output" not in plan["layers"]["block.conv1"]
        # conv1 reads what the block's quantizer made; fc what nobody else quantizes
        assert "input" not in plan["layers"]["block.conv1"]
        assert "input" in plan["layers"]["fc"]
        assert all(float(q.steps) == 1 for q in activation_quantizers(model).values())


class TestStatistics:
    def test_batches_are_let_go_and_what_is_kept_does_not_grow(self) -> None:
        alive: list[weakref.ref[Tensor]] = []
        model = Branches().eval()

        def batches() -> Iterator[Tensor]:
            for seed in range(20):
                batch = clips(seed)
                alive.append(weakref.ref(batch))
                yield batch
                del batch
                # the batch before this one is gone: nobody collects them
                assert sum(ref() is not None for ref in alive) <= 2

        stats = collect_statistics(model, {"right": model.right, "fc": model.fc}, batches)
        assert len(alive) == 40
        assert sum(stats["right"].counts) == 20 * clips().numel()

    def test_running_statistics_have_a_fixed_size(self) -> None:
        def kept(n_batches: int) -> int:
            running = RunningStats()
            for take in (running.first_pass, running.second_pass):
                for seed in range(n_batches):
                    take(clips(seed))
            tensors = [value for value in vars(running).values() if isinstance(value, Tensor)]
            assert all(isinstance(value, Tensor | float | int) for value in vars(running).values())
            return sum(tensor.numel() for tensor in tensors)

        assert kept(2) == kept(30)

    def test_a_bin_may_count_more_than_a_float_can(self) -> None:
        # float32 stops counting by ones at 2**24
        x = torch.zeros(1, 2**24 + 2**20)
        x[0, 0] = 1.0
        running = RunningStats()
        running.minimum, running.maximum = 0.0, 1.0
        running.second_pass(x)
        assert running.result().counts[0] == x.numel() - 1

    def test_statistics_from_a_file_stand_for_calibration(self, tmp_path: Path) -> None:
        model = Branches().eval()
        torch.manual_seed(0)
        reference = quantized(PTQ, clip_acts="MSE")
        path = tmp_path / "stats.yaml"
        save_statistics(statistics_of(), path)
        schedule = {
            "quantizers": {
                "q": {"class": PTQ, "clip_acts": "MSE", "model_activation_stats": str(path)}
            },
            "policies": [{"quantizer": {"instance_name": "q"}, "epochs": [0]}],
        }
        torch.manual_seed(0)
        model = Branches().eval()
        file_config(model, None, schedule, example_input=clips()).begin_seam(0)
        for name, tracked in activation_quantizers(model).items():
            other = activation_quantizers(reference)[name]
            assert float(tracked.high) == pytest.approx(float(other.high), rel=1e-5)

    def test_the_original_s_file_gives_inputs_and_outputs_of_layers(self, tmp_path: Path) -> None:
        def figures(high: float) -> dict[str, float]:
            names = ("avg_min", "mean", "std", "b")
            return {"min": 0.0, "max": high, "avg_max": high, **dict.fromkeys(names, 0.0)}

        layers = ("left", "right", "block", "block.conv1", "block.conv2", "fc")
        content = {
            name: {"inputs": {0: figures(1.0 + i)}, "output": figures(10.0 + i)}
            for i, name in enumerate(layers)
        }
        path = tmp_path / "distiller.yaml"
        path.write_text(yaml.safe_dump(content))
        model = quantized(PTQ, model_activation_stats=str(path), mode="ASYMMETRIC_UNSIGNED")
        found = {name: float(q.high) for name, q in activation_quantizers(model).items()}
        assert found["left.input_quantizer"] == 1.0
        assert found["left.output_quantizer"] == 10.0
        assert found["block.entry_quantizer"] == 3.0
        assert found["block.conv2.input_quantizer"] == 5.0
        assert found["block.conv2.output_quantizer"] == 14.0

    @pytest.mark.parametrize("text", ["- 1", "left: 3", "left:\n  inputs: {0: {min: x}}", "{", "3"])
    def test_a_file_of_something_else_is_one_error(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "stats.yaml"
        path.write_text(text)
        with pytest.raises(ScheduleError, match="no activation statistics there") as caught:
            load_statistics(path)
        assert "\n" not in str(caught.value)

    def test_statistics_of_another_network_are_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "stats.yaml"
        path.write_text(
            "elsewhere:\n"
            "  inputs: {0: {min: 0, max: 1, avg_min: 0, avg_max: 1, mean: 0.5, std: 1}}\n"
        )
        with pytest.raises(ScheduleError, match="no statistics for"):
            quantized(PTQ, model_activation_stats=str(path))


def statistics_of() -> dict[str, ActivationStats]:
    """Return the statistics that the schedule's own calibration collects."""
    torch.manual_seed(0)
    model = Branches().eval()
    schedule = {
        "quantizers": {"q": {"class": PTQ}},
        "policies": [{"quantizer": {"instance_name": "q"}, "epochs": [0]}],
    }
    scheduler = file_config(
        model, None, schedule, example_input=clips(), calibration=lambda: [clips(), clips(1)]
    )
    scheduler.begin_seam(0)
    (policy,) = scheduler.policies
    assert isinstance(policy, QuantizationPolicy)
    return dict(policy.statistics)
