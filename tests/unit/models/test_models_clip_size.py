"""Other clips for a built network: its record changes, its weights do not; what cannot is said."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from models_tiny import FEW_KINDS, apply_masks, random_masks, tiny_clip, tiny_network
from torch import Tensor, nn

from vcc.compression.thinning.remove import thin_
from vcc.errors import ModelError
from vcc.models.catalog import build_model
from vcc.models.checkpoint import load_checkpoint, save_checkpoint
from vcc.models.clip_size import set_clip_size
from vcc.models.families.mobilenetv2 import MobileNetV2Family
from vcc.models.network import VideoNetwork
from vcc.models.spec import ModelSpec
from vcc.models.summary import count_macs


@pytest.mark.parametrize("variant", [each for each in FEW_KINDS if each.values != ("c3d",)])
def test_families_take_other_clips(variant: str) -> None:
    model = tiny_network(variant)
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    before = count_macs(model)
    set_clip_size(model, sample_size=16, sample_duration=2)
    assert model.spec.clip_shape == (3, 2, 16, 16)
    assert count_macs(model) == count_macs(tiny_network(variant), 16, 2) < before
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())
    assert model(torch.randn(1, 3, 2, 16, 16, dtype=torch.float64)).shape == (1, 4)


@pytest.mark.parametrize(
    ("frames", "size", "message"),
    [
        (9, 64, "takes clips of 9x32x32 only: fc1.0.weight would have other weights for 9x64x64"),
        (2, 16, "its pools leave nothing of a clip of 2x16x16: give it at least 9 frames"),
    ],
)
def test_c3d_takes_its_own_clips_only(frames: int, size: int, message: str) -> None:
    model = tiny_network("c3d")
    with pytest.raises(ModelError, match=message):
        set_clip_size(model, sample_size=size, sample_duration=frames)
    assert model.spec.clip_shape == (3, 9, 32, 32)


def test_a_thinned_network_in_a_wrapper_keeps_its_channels_and_its_new_clips(tmp_path: Any) -> None:
    model, clip = tiny_network("resnet10a"), tiny_clip()
    masks = random_masks(model, clip)
    apply_masks(model, masks, clip)
    thin_(model, masks, clip)
    wrapper = nn.ModuleDict({"network": model})
    set_clip_size(wrapper, sample_size=16, sample_duration=8)
    loaded = load_checkpoint(save_checkpoint(tmp_path / "c", wrapper, {})).model
    assert loaded.spec.clip_shape == (3, 8, 16, 16)
    assert loaded.conv1.out_channels == model.conv1.out_channels < 8


class Fixed(VideoNetwork):
    """Like C3D: what is left of time and space goes into a linear layer."""

    head_name = "fc"

    def __init__(self, spec: ModelSpec, **_options: Any) -> None:
        super().__init__(spec)
        left = spec.sample_duration * (spec.sample_size // 8) ** 2
        self.pool = nn.MaxPool3d((1, 8, 8))
        self.fc = nn.Linear(3 * left, spec.n_classes)

    def forward(self, clips: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.pool(clips).flatten(1))
        return logits


class Unpadded(VideoNetwork):
    """Needs seven pixels each way and three frames."""

    head_name = "fc"

    def __init__(self, spec: ModelSpec, **_options: Any) -> None:
        super().__init__(spec)
        self.conv = nn.Conv3d(3, 4, (3, 7, 7))
        self.fc = nn.Linear(4, spec.n_classes)

    def forward(self, clips: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.conv(clips).mean(dim=(2, 3, 4)))
        return logits


@pytest.mark.parametrize(
    ("network", "wanted", "message"),
    [
        (Fixed, (8, 32), r"takes clips of 8x64x64 only: fc.weight would have other weights for 8x"),
        (Fixed, (4, 64), r"takes clips of 8x64x64 only"),
        (Unpadded, (2, 64), r"cannot take clips of 2x64x64 \(.*\): choose a larger sample_size"),
    ],
)
def test_a_network_that_cannot_is_left_as_it_was(
    monkeypatch: pytest.MonkeyPatch, network: Any, wanted: tuple[int, int], message: str
) -> None:
    monkeypatch.setattr(MobileNetV2Family, "network", classmethod(lambda _: network))
    model = build_model("mobilenetv2", n_classes=2, sample_size=64, sample_duration=8)
    with pytest.raises(ModelError, match=message):
        set_clip_size(model, sample_duration=wanted[0], sample_size=wanted[1])
    assert model.spec.clip_shape == (3, 8, 64, 64)
    set_clip_size(model, sample_duration=8, sample_size=64)
