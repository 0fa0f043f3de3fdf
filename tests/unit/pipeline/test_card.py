"""A network's card: what its numbers depend on, there and back."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import pytest
import torch

from vcc.config.training import TrainingOptions
from vcc.data.store.contents import seen_videos
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import VccError
from vcc.pipeline.card import Network, NetworkCard, card_of


def test_a_card_survives_the_way_through_json(network: Network) -> None:
    card = network.card
    metadata = json.loads(json.dumps(card.as_metadata()))
    assert NetworkCard.from_metadata(metadata, where="x") == card
    # What an exported file says of itself stands beside it.
    assert NetworkCard.from_metadata({**metadata, "file": {"opset": 20}}, where="x") == card


def test_an_older_card_has_no_lineage_and_no_videos(network: Network) -> None:
    metadata = network.card.as_metadata()
    for name in ("lineage", "train_videos", "teacher", "schedule", "schedule_digest"):
        del metadata[name]
    card = NetworkCard.from_metadata(metadata, where="x")
    assert card.lineage == ()
    assert card.train_videos is None


def test_a_dense_card_is_of_its_data(network: Network, dataset: PreparedDataset) -> None:
    card = network.card
    assert (card.role, card.method, card.parent) == ("dense", "benchmark", None)
    assert (card.dataset, card.data_digest) == (dataset.name, dataset.digest)
    assert card.labels == dataset.labels
    assert card.clip_shape == (3, 4, 16, 16)
    assert card.train_videos


def test_videos_that_its_first_weights_were_trained_on_count_as_seen(
    network: Network, dataset: PreparedDataset
) -> None:
    test = dataset.videos("test")[0]
    before = base64.b64encode(bytes.fromhex(test.checksum[:16])).decode()
    card = network.card
    made = card_of(
        dataset,
        arch=card.arch,
        clip=card.clip,
        training=card.training,
        normalisation=card.normalisation,
        seen_before=before,
    )
    assert card.train_videos
    assert made.train_videos
    assert seen_videos(card.train_videos, dataset) == []
    assert seen_videos(made.train_videos, dataset) == [test.id]


def test_what_is_compressed_twice_names_both_methods(network: Network) -> None:
    training = TrainingOptions(learning_rate=0.5)
    once = network.card.compressed(method="ep", parent="models:/x/1", training=training)
    twice = once.compressed(method="ptq", parent="models:/x/2", training=training)
    assert (once.method, twice.method) == ("ep", "ep+ptq")
    assert (twice.role, twice.parent, twice.training) == ("compressed", "models:/x/2", training)
    assert network.card.methods == ()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"labels": None}, "not a network card of this version"),
        ({"normalisation": {"mean": [0.0]}}, "not a network card of this version"),
        ({"training": {}}, "not a network card of this version"),
        ({"colour": "red"}, "not a network card of this version"),
        ({"clip": {"sample_sise": 3}}, "x: clip: .*sample_size"),
        ({"labels": "abc"}, "labels is 'abc', no list of texts"),
        ({"labels": [1, 2]}, "no list of texts"),
        ({"labels": ["a", "a", "b"]}, "labels has 2 different names, 3 are wanted"),
        ({"labels": ["a"]}, "labels has 1 different names, 2 are wanted"),
        ({"training": "ab"}, "not a network card of this version"),
        ({"dataset": 3}, "dataset is 3, no text"),
        ({"split": None}, "split is None, no text"),
        ({"methods": [["ep"]]}, "methods is .*, no list of texts"),
        ({"parent": ["models:/x/1"]}, "parent is .*, no text"),
        ({"normalisation": {"mean": [0.0] * 3, "std": [1.0, 0.0, 1.0]}}, "deviations above 0"),
        ({"normalisation": {"mean": [math.nan] * 3, "std": [1.0] * 3}}, "three finite numbers"),
        ({"normalisation": {"mean": [0.0], "std": [1.0]}}, "three finite numbers"),
        ({"normalisation": {"mean": "abc", "std": [1.0] * 3}}, "three finite numbers"),
    ],
)
def test_other_metadata_is_refused_in_one_line(
    network: Network, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(VccError, match=message) as caught:
        NetworkCard.from_metadata({**network.card.as_metadata(), **changed}, where="x")
    assert "\n" not in str(caught.value)


def test_a_classifier_shares_the_weights_and_normalises(network: Network) -> None:
    classifier = network.classifier()
    assert classifier.network is network.model
    assert classifier.mean.flatten().tolist() == pytest.approx(network.card.normalisation.mean)
    assert torch.equal(classifier.std.flatten(), torch.tensor(network.card.normalisation.std))
