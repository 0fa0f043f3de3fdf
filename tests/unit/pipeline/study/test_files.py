"""What a cell of a study is timed on."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any, cast

import pytest

from vcc.config.yaml_files.study_matrix import SpeedOptions
from vcc.pipeline.card import Network
from vcc.pipeline.study.files import timed_shape


@pytest.mark.parametrize(
    ("clip", "expected"),
    [
        ({}, (3, 16, 112, 112)),
        ({"sample_duration": 2, "downsample": 2}, (3, 8, 112, 112)),
        ({"sample_size": 12}, (3, 16, 84, 84)),
        ({"sample_duration": 1, "sample_size": 8}, (3, 4, 56, 56)),
    ],
)
def test_cheaper_clips_are_timed_as_many_times_cheaper(
    network: Network, clip: dict[str, int], expected: tuple[int, ...]
) -> None:
    place: Any = SimpleNamespace(matrix=SimpleNamespace(speed=SpeedOptions()))
    card = dataclasses.replace(
        network.card, clip=dataclasses.replace(network.card.clip, **cast(Any, clip))
    )
    own = dataclasses.replace(network, card=card)
    assert timed_shape(own, network, place) == expected
    assert timed_shape(network, network, place) == (3, 16, 112, 112)
