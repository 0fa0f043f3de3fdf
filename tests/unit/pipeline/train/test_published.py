"""What published weights ask for: pixels, labels, file."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from vcc.config.data import ClipOptions
from vcc.data.clips.normalisation import MEANS, PixelNormalisation
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ConfigError
from vcc.models.builders.published import published_weights
from vcc.pipeline.train import published
from vcc.pipeline.train.published import (
    check_published,
    pixel_normalisation,
    settle_pixels,
    weights_file,
)

R3D = "torchvision:r3d_18"
LABELS = published_weights(R3D)[0].labels


def test_pixels_are_those_of_the_weights_unless_chosen(dataset: PreparedDataset) -> None:
    settled = settle_pixels(ClipOptions(), R3D)
    found = pixel_normalisation(settled, dataset, R3D)

    assert settled.mean_dataset == "published"
    assert found.mean == pytest.approx((110.2008, 100.63983, 95.99475))
    assert found.std == pytest.approx((58.14765, 56.46975, 55.332195))
    chosen = ClipOptions(mean_dataset="kinetics")
    assert settle_pixels(chosen, R3D) == chosen
    assert pixel_normalisation(chosen, dataset, R3D).mean == MEANS["kinetics"]


def test_other_networks_keep_the_thesis_s(dataset: PreparedDataset) -> None:
    settled = settle_pixels(ClipOptions(), "resnet")

    assert settled.mean_dataset == "activitynet"
    thesis = PixelNormalisation(mean=MEANS["activitynet"], std=(1.0, 1.0, 1.0))
    assert pixel_normalisation(settled, dataset, "resnet") == thesis
    with pytest.raises(ConfigError, match="published is for networks with published weights"):
        pixel_normalisation(ClipOptions(mean_dataset="published"), dataset, "resnet")


def test_labels_in_the_order_of_the_weights() -> None:
    check_published(R3D, 112, [label.replace(" ", "_") for label in LABELS], head_kept=True)
    check_published(R3D, 112, ("run", "walk"), head_kept=False)
    check_published("resnet", 112, ("run", "walk"), head_kept=True)
    swapped = (LABELS[1], LABELS[0], *LABELS[2:])
    with pytest.raises(ConfigError, match="number 1 is 'abseiling', not 'air drumming'"):
        check_published(R3D, 112, swapped, head_kept=True)


def test_another_size_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger=published.__name__):
        check_published("torchvision:s3d", 112, ("run",), head_kept=False)

    assert "was trained on clips of 224 pixels, these have 112" in caplog.text


def test_a_file_by_path_or_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "DEFAULT"
    asked = []
    monkeypatch.setattr(
        published, "fetch_published", lambda model, name: asked.append((model, name)) or file
    )

    assert weights_file(R3D, Path("weights.pth")) == Path("weights.pth")
    assert weights_file("resnet", Path("DEFAULT")) == Path("DEFAULT")
    assert weights_file(R3D, Path("R3D_18_Weights.KINETICS400_V1")) == file
    file.touch()
    assert weights_file(R3D, file) == file
    assert asked == [(R3D, "R3D_18_Weights.KINETICS400_V1")]
