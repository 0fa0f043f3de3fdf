"""Zero padding exports: a thinned ResNet with shortcut A runs in ONNX Runtime at any batch."""

from __future__ import annotations

from pathlib import Path

import onnxruntime
import pytest
import torch
from models_tiny import CLIP, apply_masks, random_masks, tiny_network

from vcc.compression.thinning.remove import thin_


@pytest.mark.slow
def test_thinned_shortcut_a_gives_the_same_logits_in_onnx(tmp_path: Path) -> None:
    model, clip = tiny_network("resnet10a", dtype=torch.float32), torch.randn(2, *CLIP[1:])
    masks = random_masks(model, clip)
    apply_masks(model, masks, clip)
    thin_(model, masks, clip)
    path = tmp_path / "net.onnx"
    batch = {"x": {0: torch.export.Dim("batch")}}
    torch.onnx.export(
        model, (clip,), str(path), dynamo=True, external_data=False, dynamic_shapes=batch
    )
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    three = torch.randn(3, *CLIP[1:])
    (logits,) = session.run(None, {session.get_inputs()[0].name: three.numpy()})
    with torch.no_grad():
        expected = model(three)
    assert (torch.from_numpy(logits) - expected).abs().max() <= 1e-5
