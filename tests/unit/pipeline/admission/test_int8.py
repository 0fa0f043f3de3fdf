"""The 8-bit file is tried before anything is trained for it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn, cast

import pytest
import torch
from torch import Tensor, nn

from vcc.compression.policies.quantization import QuantizationPolicy
from vcc.compression.schedule.epochs import epoch_range
from vcc.errors import ExportError, ModelError
from vcc.models import build_model
from vcc.models.builders.wrapped import WrappedNetwork
from vcc.models.network import VideoNetwork
from vcc.models.spec import ModelSpec
from vcc.pipeline.admission import int8, reductions

SPEC = ModelSpec(family="python:somewhere:make", n_classes=3, sample_size=16, sample_duration=4)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.n, self.fc = nn.Conv3d(3, 4, 3), nn.BatchNorm3d(4), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return cast("Tensor", self.fc(self.n(self.a(x)).relu().mean((2, 3, 4))))


def network() -> VideoNetwork:
    torch.manual_seed(0)
    return cast("VideoNetwork", WrappedNetwork(SPEC, Net(), head_name="fc"))


def quantizing(model: nn.Module) -> list[Any]:
    policy = QuantizationPolicy(
        "q", epoch_range(0, 1), model, int8.INT8_SETTINGS, example_input=lambda: torch.zeros(1)
    )
    return [SimpleNamespace(), policy]


def fails(*_args: object, **_options: object) -> NoReturn:
    msg = "network.onnx: Sum cannot\nbe quantized"
    raise ExportError(msg)


def test_what_cannot_be_written_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(int8, "export_onnx", fails)
    net = network()
    words = "cannot be exported in 8 bits, so nothing is trained: network.onnx: Sum cannot be"
    with pytest.raises(ModelError, match=words) as caught:
        int8.refuse_unexportable(net, quantizing(net))
    assert "\n" not in str(caught.value)
    assert reductions.check_quantized(net) == (
        "2 of 2 layers in int8; not to be exported so: network.onnx: Sum cannot be quantized"
    )


def test_a_schedule_without_quantizers_and_a_family_are_not_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(int8, "export_onnx", fails)
    int8.refuse_unexportable(network(), cast("list[Any]", [SimpleNamespace()]))
    family = build_model(
        "mobilenetv2", n_classes=3, sample_size=16, sample_duration=4, width_mult=0.125
    )
    int8.refuse_unexportable(family, quantizing(family))


@pytest.mark.parametrize(
    "kind", ["QuantAwareTrainRangeLinearQuantizer", "PostTrainLinearQuantizer"]
)
def test_ranges_come_from_clips_and_the_network_stays(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Tensor] = []

    def look(classifier: nn.Module, path: Path, **_options: object) -> None:
        pixels = torch.randint(0, 256, (1, 3, 4, 16, 16), dtype=torch.uint8)
        written.append(classifier(pixels))

    monkeypatch.setattr(int8, "export_onnx", look)
    net = network()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    settings = int8.INT8_SETTINGS.__class__(class_name=kind, bits=int8.INT8_SETTINGS.bits)
    int8.write_int8(net, settings)
    assert written[0].isfinite().all()
    assert written[0].abs().max() > 0
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
