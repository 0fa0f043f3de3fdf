"""Normalisation in units of 0..255, against the thesis's formula."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from data_videos import prepare_tree, write_tree

from vcc.config.data import ClipOptions
from vcc.data.clips.normalisation import KINETICS_STD, MEANS, PixelNormalisation, normalisation_for
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import DataError


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    root: Path = tmp_path_factory.mktemp("normalisation")
    write_tree(root / "videos", frames=2)
    return prepare_tree(root)


ONE, UNIT = (1.0, 1.0, 1.0), (255.0, 255.0, 255.0)
ZERO = (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("options", "mean", "std"),
    [
        ({}, MEANS["activitynet"], ONE),
        ({"mean_dataset": "kinetics"}, MEANS["kinetics"], ONE),
        ({"norm_value": 255}, MEANS["activitynet"], UNIT),
        ({"no_mean_norm": True}, ZERO, ONE),
        ({"no_mean_norm": True, "norm_value": 255}, ZERO, UNIT),
        ({"std_norm": True, "norm_value": 255}, MEANS["activitynet"], KINETICS_STD),
        ({"std_norm": True, "no_mean_norm": True}, MEANS["activitynet"], KINETICS_STD),
    ],
)
def test_thesis_options(
    dataset: PreparedDataset, options: dict[str, Any], mean: Any, std: Any
) -> None:
    assert normalisation_for(ClipOptions(**options), dataset) == PixelNormalisation(mean, std)


def test_statistics_of_the_data(dataset: PreparedDataset) -> None:
    found = normalisation_for(ClipOptions(mean_dataset="data", std_norm=True), dataset)
    assert found == PixelNormalisation(dataset.pixel_mean, dataset.pixel_std)  # type: ignore[arg-type]
    assert all(0 < value < 255 for value in found.mean + found.std)


def test_apply() -> None:
    clips = torch.tensor([10, 20, 30], dtype=torch.uint8).view(1, 3, 1, 1, 1)
    result = PixelNormalisation((0.0, 10.0, 40.0), (10.0, 5.0, 2.0)).apply(clips)
    assert result.flatten().tolist() == [1.0, 2.0, -5.0]
    assert result.dtype == torch.float32


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        (ZERO, (1.0, 0.0, 1.0)),
        (ZERO, (1.0, -1.0, 1.0)),
        ((math.nan, 0.0, 0.0), ONE),
        (ZERO, (1.0, math.inf, 1.0)),
        ((0.0,), ONE),
        ("abc", ONE),
    ],
)
def test_what_would_make_every_pixel_nan_is_refused(mean: Any, std: Any) -> None:
    with pytest.raises(DataError, match="three finite numbers each are wanted"):
        PixelNormalisation(mean, std)
