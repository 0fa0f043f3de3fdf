"""A run's scheduler is refused where its network's 8-bit file could not be written."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from vcc.errors import ModelError
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
