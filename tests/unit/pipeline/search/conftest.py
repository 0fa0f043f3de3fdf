"""Candidates of a tiny network, and a target, for the tests of the room."""

from __future__ import annotations

import pytest

from vcc.config.entrypoints import SearchEntry
from vcc.pipeline.card import Network
from vcc.pipeline.search.space import FLOAT, INT8
from vcc.pipeline.search.structure import CandidateBuilder


@pytest.fixture
def builder(network: Network) -> CandidateBuilder:
    return CandidateBuilder(network, precisions=(INT8, FLOAT))


@pytest.fixture
def options() -> SearchEntry:
    return SearchEntry(
        target_macs=0.5, trials=3, trial_videos=4, n_threads=0, no_cuda=True, source="dense"
    )
