"""The weights that a training starts from fit the data's classes, or the option is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from vcc.config.training import FinetuneOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ConfigError
from vcc.models import build_model
from vcc.models.checkpoint import save_checkpoint
from vcc.models.network import VideoNetwork
from vcc.pipeline.train.starting_weights import (
    check_class_count,
    seen_before,
    start_from,
)


def network(n_classes: int = 2) -> VideoNetwork:
    return build_model(
        "mobilenetv2", n_classes=n_classes, sample_size=24, sample_duration=4, width_mult=0.125
    )


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A checkpoint of five classes."""
    return save_checkpoint(tmp_path / "weights", network(5), {})


def test_what_given_weights_were_trained_on_is_kept(weights: Path, tmp_path: Path) -> None:
    assert seen_before(None) is None
    assert seen_before(FinetuneOptions()) is None
    assert seen_before(FinetuneOptions(pretrain_path=weights)) is None
    torch.save(network().state_dict(), tmp_path / "bare.pth")
    assert seen_before(FinetuneOptions(pretrain_path=tmp_path / "bare.pth")) is None
    told = save_checkpoint(tmp_path / "told", network(), {"train_videos": "AAAA"})
    assert seen_before(FinetuneOptions(pretrain_path=told)) == "AAAA"


def test_as_many_classes_as_the_data_have(dataset: PreparedDataset) -> None:
    check_class_count(None, dataset)
    check_class_count(2, dataset)
    with pytest.raises(ConfigError, match="n_classes: 3 asked for, but .* has 2 classes: leave it"):
        check_class_count(3, dataset)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"n_finetune_classes": 2},
            "n_finetune_classes: replaces the head of given weights: set p",
        ),
        ({"no_train": True}, "no_train: there are no weights to take: set pretrain_path too"),
    ],
)
def test_options_of_given_weights_need_some(
    dataset: PreparedDataset, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        start_from(network(), dataset, FinetuneOptions(**options), resumed=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_finetune_classes": 3}, "n_finetune_classes: 3 asked for, but .* has 2 classes"),
        (
            {"n_finetune_classes": 2, "n_classes": 400},
            "n_classes: 400 asked for, but .*weights has 5 classes: leave it out",
        ),
    ],
)
def test_numbers_of_classes_are_the_data_s_and_the_file_s(
    dataset: PreparedDataset, weights: Path, options: dict[str, Any], message: str
) -> None:
    given = FinetuneOptions(pretrain_path=weights, **options)
    with pytest.raises(ConfigError, match=message):
        start_from(network(), dataset, given, resumed=False)


def test_the_file_s_weights_are_taken_all_but_a_head_that_is_replaced(
    dataset: PreparedDataset, weights: Path
) -> None:
    torch.manual_seed(7)
    made = network()
    options = FinetuneOptions(pretrain_path=weights, n_finetune_classes=2, n_classes=5)
    start_from(made, dataset, options, resumed=False)
    torch.manual_seed(0)
    given = dict(network(5).named_parameters())
    first = next(iter(given))
    assert not torch.equal(made.get_parameter(first), network().get_parameter(first))
    assert made.get_parameter(f"{made.head_name}.weight").shape[0] == 2


def test_what_is_resumed_needs_no_file(dataset: PreparedDataset, tmp_path: Path) -> None:
    made = network()
    before = {name: tensor.clone() for name, tensor in made.state_dict().items()}
    gone = FinetuneOptions(pretrain_path=tmp_path / "gone", ft_portion="last_layer")
    start_from(made, dataset, gone, resumed=True)
    assert all(torch.equal(before[name], tensor) for name, tensor in made.state_dict().items())
    # What is left alone is frozen all the same.
    trained = {name for name, each in made.named_parameters() if each.requires_grad}
    assert trained == {f"{made.head_name}.weight", f"{made.head_name}.bias"}
