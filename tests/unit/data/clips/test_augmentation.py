"""Rotation, colour and erasing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from data_videos import smooth_frames

from vcc.config.data import ClipOptions
from vcc.data.clips.augmentation import augment


@pytest.mark.parametrize(
    "options",
    [
        {"rotation": 20.0},
        {"brightness": 0.5},
        {"contrast": 0.5},
        {"saturation": 0.8},
        {"hue": 0.4},
        {"random_erasing": 1.0},
    ],
)
def test_augmentation_changes_all_frames_alike(options: dict[str, float]) -> None:
    clip = torch.from_numpy(smooth_frames(1, height=16, width=16)).permute(3, 0, 1, 2)
    clip = clip.repeat(1, 4, 1, 1)
    state = torch.random.get_rng_state()
    changed = augment(clip, ClipOptions(**options), np.random.default_rng(1))
    assert changed.shape == clip.shape
    assert changed.dtype == torch.uint8
    assert not torch.equal(changed, clip)
    assert torch.equal(changed, changed[:, :1].expand_as(changed))
    assert torch.equal(state, torch.random.get_rng_state())
    assert torch.equal(changed, augment(clip, ClipOptions(**options), np.random.default_rng(1)))


def test_brightness_by_hand() -> None:
    clip = torch.full((3, 2, 4, 4), 100, dtype=torch.uint8)
    rng = np.random.default_rng(5)
    factor = np.random.default_rng(5).uniform(0.5, 1.5)
    changed = augment(clip, ClipOptions(brightness=0.5), rng)
    assert changed.unique().tolist() == [int(100 * factor)]


def test_erased_rectangle_is_grey_and_within_bounds() -> None:
    clip = torch.zeros((3, 1, 20, 20), dtype=torch.uint8)
    for seed in range(50):
        erased = augment(clip, ClipOptions(random_erasing=1.0), np.random.default_rng(seed))
        assert set(erased.unique().tolist()) == {0, 128}
        share = (erased[0, 0] == 128).float().mean().item()
        assert 0.01 < share < 0.4
