"""Whole networks, not shortened ones: every block of a thinned network exports and agrees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from models_tiny import apply_masks, clip_shape, random_masks, tiny_network

from vcc.compression.thinning.remove import thin_
from vcc.export.onnx_file import export_onnx
from vcc.export.runtimes.catalog import open_session
from vcc.models.pixels import PixelClassifier


@pytest.mark.slow
@pytest.mark.parametrize(
    "variant",
    [
        "mobilenet",
        "resnext50a",
        "resnext50b",
        "c3d",
        "squeezenet1.0",
        "squeezenet1.1",
        "shufflenetg3",
        "shufflenetg8",
        "shufflenetv2",
    ],
)
def test_a_thinned_network_agrees_with_itself_in_both_runtimes(
    variant: str, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    model = tiny_network(variant, dtype=torch.float32)
    shape = clip_shape(variant)[1:]
    masks = random_masks(model, torch.randn(1, *shape), alone=0.0)
    apply_masks(model, masks, torch.randn(1, *shape))
    assert thin_(model, masks, torch.randn(1, *shape)).removed > 0
    network = PixelClassifier(model, mean=(114.0,) * 3, std=(60.0,) * 3).eval()
    path = export_onnx(
        network,
        tmp_path / "net.onnx",
        clip_shape=shape,
        opset=20,
        metadata={"labels": list("abcd")},
    )
    clips = torch.randint(0, 256, (3, *shape)).float()
    with torch.inference_mode():
        expected = network(clips).numpy()
    for provider in ("cpu", "openvino"):
        logits = open_session(path, provider=provider, threads=1).run(clips.numpy())
        np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
