"""Contact sheet and class balance: real PNG files with the right content."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from data_videos import prepare_tree, write_tree, write_video

from vcc.data.store.pictures import class_balance, contact_sheet


def colours(path: Path) -> set[tuple[int, ...]]:
    image = cv2.imread(str(path))
    assert image is not None
    return set(map(tuple, image[..., ::-1].reshape(-1, 3).tolist()))


def test_contact_sheet_shows_every_class(tmp_path: Path) -> None:
    shades = {"red $x$": (250, 10, 10), "größe": (10, 250, 10)}
    for label, colour in shades.items():
        frames = np.full((6, 36, 48, 3), colour, np.uint8)
        write_video(tmp_path / "videos" / label / f"{label}_g08_c01.avi", frames)
    dataset = prepare_tree(tmp_path)
    path = contact_sheet(dataset, tmp_path / "sheet.png", frames_per_class=4)
    assert set(shades.values()) <= colours(path)


@pytest.mark.parametrize("labels", [("a", "b"), tuple(f"class{i}" for i in range(30))])
def test_class_balance_is_drawn(tmp_path: Path, labels: tuple[str, ...]) -> None:
    write_tree(tmp_path / "videos", labels=labels, frames=1)
    path = class_balance(prepare_tree(tmp_path), tmp_path / "balance.png")
    # Matplotlib's first three colours: train, dev and test bars.
    assert {(31, 119, 180), (255, 127, 14), (44, 160, 44)} <= colours(path)
