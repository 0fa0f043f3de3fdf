"""A measure looks at the same drawn videos every time, in evaluation mode, and leaves no trace."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch

from vcc.data.store.prepared import PreparedDataset
from vcc.errors import DataError
from vcc.pipeline.card import Network
from vcc.pipeline.evaluate import dev_measure as module
from vcc.pipeline.evaluate.dev_measure import DevMeasure, draw_videos


@pytest.fixture
def dev(dataset: PreparedDataset) -> PreparedDataset:
    """The data with all their videos as dev videos."""
    videos = tuple(dataclasses.replace(each, subset="dev") for each in dataset.manifest.videos)
    return PreparedDataset(dataset.root, dataclasses.replace(dataset.manifest, videos=videos))


def measure(network: Network, dev: PreparedDataset, **more: Any) -> DevMeasure:
    return DevMeasure(
        network, dev, **{"n_videos": 99, "seed": 1, "no_cuda": True, "n_threads": 0, **more}
    )


def test_a_draw_is_seeded_in_order_and_of_one_subset(dev: PreparedDataset) -> None:
    ids = [video.id for video in dev.videos("dev")]
    drawn = draw_videos(dev, "dev", n_videos=2, seed=1)
    chosen = [video.id for video in drawn.videos("dev")]
    assert len(chosen) == 2
    assert chosen == sorted(chosen, key=ids.index)
    assert chosen == [v.id for v in draw_videos(dev, "dev", n_videos=2, seed=1).videos("dev")]
    draws = {
        tuple(v.id for v in draw_videos(dev, "dev", n_videos=2, seed=seed).videos("dev"))
        for seed in range(8)
    }
    assert len(draws) > 1
    assert len(draw_videos(dev, "dev", n_videos=99, seed=1).videos("dev")) == len(ids)
    assert not drawn.videos("train")


def test_the_same_network_measures_the_same_whatever_its_mode(
    network: Network, dev: PreparedDataset
) -> None:
    measured = measure(network, dev)
    first = measured(network.model)
    assert 0 <= first.top1 <= first.top5 == 1
    network.model.train()
    assert measured(network.model) == first
    assert network.model.training
    # Clips that are kept are those that are read anew.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_KEPT_BYTES", 0)
        again = measure(network, dev)
    assert not isinstance(again._batches, list)
    assert isinstance(measured._batches, list)
    assert again(network.model).loss == pytest.approx(first.loss)


def test_a_changed_network_and_another_one_are_measured_on_the_same_videos(
    network: Network, dev: PreparedDataset
) -> None:
    measured = measure(network, dev, n_videos=2)
    assert measured.n_videos == 2
    before = measured(network.model)
    other = Network(model=torch.nn.Module(), card=network.card)
    other_measure = measured.of(other)
    assert other_measure._batches is measured._batches
    with torch.no_grad():
        for parameter in network.model.parameters():
            parameter.zero_()
    after = measured(network.model)
    assert after.loss != before.loss
    assert after.loss == pytest.approx(float(torch.tensor(float(len(dev.labels))).log()))


def test_no_dev_videos_are_an_error(network: Network, dataset: PreparedDataset) -> None:
    none = draw_videos(dataset, "train", n_videos=1, seed=0)
    with pytest.raises(DataError, match="dev"):
        measure(network, none)
