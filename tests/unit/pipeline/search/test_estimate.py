"""The time of a search is the sum of its parts, said in words."""

from __future__ import annotations

from vcc.config.entrypoints import SearchEntry
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.card import Network
from vcc.pipeline.search.estimate import Estimate, estimate_search
from vcc.pipeline.search.judge import Judge


def test_parts_add_up() -> None:
    estimate = Estimate(curves=60.0, trial=10.0, finalist=100.0, timing=40.0)
    assert estimate.total(trials=5, finalists=2) == 350.0
    text = estimate.text(trials=5, finalists=2)
    assert text.startswith("estimate: 6 minutes, if every step cost a dense one: sensitivity 60 s")
    assert "5 trials of 10 s, 2 finalists of" in text


def test_more_groups_take_longer_and_the_network_stays(
    network: Network, dataset: PreparedDataset, options: SearchEntry
) -> None:
    before = network.model.get_parameter("conv1.weight").clone()
    judge = Judge(network, dataset, options)
    few, many = (
        estimate_search(network, dataset, judge, options, n_groups=count) for count in (0, 50)
    )
    assert few.curves == 0 < many.curves
    assert min(many.trial, many.finalist, many.timing) > 0
    assert bool((network.model.get_parameter("conv1.weight") == before).all())
