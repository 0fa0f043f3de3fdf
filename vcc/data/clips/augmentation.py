"""Rotation, colour and erasing, the same for all frames of a clip.

Everything random comes from the generator given.
"""

from __future__ import annotations

import numpy as np
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional

from vcc.config.data import ClipOptions

# Erased rectangles cover 2 to 33 % of the clip, sides 0.3 to 3.3 apart (Zhong et al., "Random
# Erasing Data Augmentation", AAAI 2020).
_ERASED_SHARE = (0.02, 0.33)
_ERASED_ASPECT = (0.3, 3.3)


def augment(clip: torch.Tensor, options: ClipOptions, rng: np.random.Generator) -> torch.Tensor:
    """Return a clip uint8 [3, T, H, W] with one draw of rotation, colour and erasing applied."""
    frames = clip.transpose(0, 1)
    if options.rotation:
        angle = float(rng.uniform(-options.rotation, options.rotation))
        frames = functional.rotate(frames, angle, interpolation=InterpolationMode.BILINEAR)
    for name in ("brightness", "contrast", "saturation"):
        strength = getattr(options, name)
        if strength:
            factor = float(rng.uniform(1 - strength, 1 + strength))
            frames = getattr(functional, f"adjust_{name}")(frames, factor)
    if options.hue:
        frames = functional.adjust_hue(frames, float(rng.uniform(-options.hue, options.hue)))
    if options.random_erasing and rng.random() < options.random_erasing:
        frames = _erased(frames, rng)
    return frames.transpose(0, 1)


def _erased(frames: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    height, width = frames.shape[-2:]
    area = height * width * rng.uniform(*_ERASED_SHARE)
    aspect = np.exp(rng.uniform(*np.log(_ERASED_ASPECT)))
    h = int(np.clip(round(np.sqrt(area * aspect)), 1, height))
    w = int(np.clip(round(np.sqrt(area / aspect)), 1, width))
    top, left = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
    grey = torch.full((1, 1, 1), 128, dtype=frames.dtype)
    erased: torch.Tensor = functional.erase(frames, top, left, h, w, v=grey)
    return erased
