"""The section `decomposers` of a schedule."""

from __future__ import annotations

import pytest

from vcc.compression import load_schedule
from vcc.compression.decomposition.decomposers import DECOMPOSERS
from vcc.errors import ScheduleError


def schedule(**arguments):
    return {
        "decomposers": {"a": {"class": "Tucker2Decomposer", "weights": ["conv1.weight"],
                              **arguments}},
        "policies": [{"decomposer": {"instance_name": "a"}, "epochs": [0]}],
    }  # fmt: skip


def test_a_form_each_is_registered():
    forms = {name: part.form for name, part in DECOMPOSERS.items()}
    assert forms == {
        "LowRankDecomposer": "low_rank",
        "SpatialTemporalDecomposer": "spatial_temporal",
        "Tucker2Decomposer": "tucker2",
    }


@pytest.mark.parametrize("given", [{"rank": 4}, {"rank": [2, 4]}, {"rank_share": 0.5},
                                   {"energy": 0.9}, {"macs": 0.3}])  # fmt: skip
def test_one_rule_of_ranks_is_taken_and_written_back(given):
    loaded = load_schedule(schedule(**given))
    assert load_schedule(loaded.as_mapping()) == loaded


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "one of rank, rank_share, energy, macs, vbmf is needed, none given"),
        ({"rank": 2, "macs": 0.5}, "is needed, rank and macs given"),
        ({"vbmf": True, "macs": 0.5}, "is needed, macs and vbmf given"),
        ({"vbmf": False}, "none given"),
        ({"rank": 0}, "0 must be at least 1"),
        ({"rank": [1, 2, 3]}, "must have 2 entries"),
        ({"energy": 1.5}, "1.5 must be at most 1"),
        ({"rnk": 2}, "did you mean rank"),
    ],
)
def test_a_wrong_argument_is_told(given, words):
    with pytest.raises(ScheduleError, match=words):
        load_schedule(schedule(**given))
