"""A run's scheduler: refused where no 8-bit file could be written; the same clips every time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ModelError
from vcc.pipeline.card import Network
from vcc.pipeline.compress import scheduler as module


def test_the_8_bit_file_is_tried_before_anything_is_trained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = SimpleNamespace(policies=["quantizes"])
    tried: list[tuple[object, object]] = []

    def refuse(network: object, policies: object) -> None:
        tried.append((network, policies))
        msg = "cannot be exported in 8 bits"
        raise ModelError(msg)

    monkeypatch.setattr(module, "file_config", lambda *_args, **_options: made)
    monkeypatch.setattr(module, "guard_measure", lambda *_args, **_options: None)
    monkeypatch.setattr(module, "network_of", lambda model: f"network of {model}")
    monkeypatch.setattr(module, "refuse_unexportable", refuse)
    recipe: Any = SimpleNamespace(
        round_to=1,
        training=SimpleNamespace(no_cuda=True),
        clip=SimpleNamespace(n_threads=0, manual_seed=1),
    )
    network: Any = SimpleNamespace(model="m", card=SimpleNamespace(clip_shape=(3, 4, 8, 8)))
    given = cast("Any", None)
    with pytest.raises(ModelError, match="8 bits"):
        module.scheduler_of(given, network, given, recipe, teacher=given, channels=given)
    assert tried == [("network of m", ["quantizes"])]


def test_calibration_sees_the_same_normalised_clips_every_time(
    network: Network, dataset: PreparedDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = list(module.calibration_clips(network, dataset))
    assert {tuple(clip.shape) for clip in clips} == {(1, *network.card.clip_shape)}
    assert len(clips) == len(dataset.videos("train"))
    again = list(module.calibration_clips(network, dataset))
    assert all(torch.equal(*pair) for pair in zip(clips, again, strict=True))
    # Pixels of 0 to 255 are about zero now.
    assert torch.cat(clips).abs().max() < 10
    monkeypatch.setattr(module, "_CALIBRATION_BATCHES", 1)
    few = list(module.calibration_clips(network, dataset))
    assert len(few) == min(len(clips), network.card.clip.batch_size)


def test_channels_are_traced_on_the_network_s_own_clips(network: Network) -> None:
    groups = module.traced_channels(network).groups()
    assert groups[-1].is_output
