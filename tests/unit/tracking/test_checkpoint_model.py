"""The served checkpoint answers raw pixels as its network does, normalised as it was trained."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from models_tiny import tiny_network

from vcc.errors import ModelError
from vcc.models.checkpoint import save_checkpoint
from vcc.tracking.checkpoint_model import CheckpointModel

MEAN, STD = (100.0, 110.0, 120.0), (50.0, 60.0, 70.0)


def loaded(folder: Path) -> CheckpointModel:
    model = CheckpointModel()
    model.load_context(SimpleNamespace(artifacts={"checkpoint": str(folder)}))
    return model


def test_the_logits_are_those_of_the_network_on_normalised_pixels(tmp_path: Path) -> None:
    network = tiny_network("resnet10a", dtype=torch.float32)
    save_checkpoint(tmp_path / "checkpoint", network, {"normalisation": {"mean": MEAN, "std": STD}})
    pixels = torch.randint(0, 256, (2, 3, 4, 24, 24)).float()
    mean, std = (torch.tensor(values).view(1, 3, 1, 1, 1) for values in (MEAN, STD))
    with torch.inference_mode():
        expected = network((pixels - mean) / std).numpy()
    assert not np.allclose(expected[0], expected[1], rtol=1e-3), "answers that tell clips apart"
    logits = loaded(tmp_path / "checkpoint").predict(None, pixels.numpy())
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-6)
    # A server hands over what JSON became: lists do as well.
    again = loaded(tmp_path / "checkpoint").predict(None, pixels.numpy().tolist())
    assert again.dtype == np.float32
    np.testing.assert_array_equal(again, logits)


def test_a_folder_without_a_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"{tmp_path / 'empty'}: there is no checkpoint"):
        loaded(tmp_path / "empty")
