"""From pixels 0..255 to what the network sees: one mean and one standard deviation per channel."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from vcc.config.data import ClipOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ConfigError, DataError

Channels = tuple[float, float, float]

# RGB, as the thesis has them (3D-ResNets-PyTorch, `mean.py`). There is no ActivityNet standard
# deviation there: the one of Kinetics served for both.
MEANS: dict[str, Channels] = {
    "activitynet": (114.7748, 107.7354, 99.4750),
    "kinetics": (110.63666788, 103.16065604, 96.29023126),
}
DEFAULT_MEAN = "activitynet"
KINETICS_STD: Channels = (38.7568578, 37.88248729, 40.02898126)


@dataclass(frozen=True)
class PixelNormalisation:
    """`(pixel - mean) / std` per RGB channel, in units of 0..255.

    Raises:
        DataError: they are not three finite numbers each, or a deviation is not above 0.
    """

    mean: Channels
    std: Channels

    def __post_init__(self) -> None:
        if not _are_three(self.mean) or not _are_three(self.std) or min(self.std) <= 0:
            msg = (
                f"pixel mean {self.mean!r:.80} and deviation {self.std!r:.80}: three finite "
                "numbers each are wanted, deviations above 0 (are all videos of one colour?)"
            )
            raise DataError(msg)

    def apply(self, clips: torch.Tensor) -> torch.Tensor:
        """Return clips uint8 [N, 3, T, H, W] as normalised float32 of the same shape."""
        shape = (1, 3, 1, 1, 1)
        mean = torch.tensor(self.mean, device=clips.device).view(shape)
        std = torch.tensor(self.std, device=clips.device).view(shape)
        return (clips.float() - mean) / std


def normalisation_for(options: ClipOptions, dataset: PreparedDataset) -> PixelNormalisation:
    """Return the thesis's normalisation in units of 0..255.

    The thesis divides pixels by `norm_value`, then subtracts the mean (unless `no_mean_norm`) and
    divides by the standard deviation (with `std_norm`), both divided by `norm_value` too. As there,
    `std_norm` brings the mean back whatever `no_mean_norm` says.

    Raises:
        ConfigError: `mean_dataset` names statistics that are not the data's to give.
    """
    subtract = not options.no_mean_norm or options.std_norm
    unit = float(options.norm_value)
    whose = options.mean_dataset or DEFAULT_MEAN
    if whose not in (*MEANS, "data"):
        msg = f"mean_dataset: {whose} is for networks with published weights (torchvision:) alone"
        raise ConfigError(msg)
    own = whose == "data"
    mean = _channels(dataset.pixel_mean) if own else MEANS[whose]
    std = _channels(dataset.pixel_std) if own else KINETICS_STD
    return PixelNormalisation(
        mean=mean if subtract else (0.0, 0.0, 0.0),
        std=std if options.std_norm else (unit, unit, unit),
    )


def _are_three(values: object) -> bool:
    """Return whether a value from a file is three finite numbers."""
    return (
        isinstance(values, tuple)
        and len(values) == len("RGB")
        and all(isinstance(each, int | float) and math.isfinite(each) for each in values)
    )


def _channels(values: tuple[float, ...]) -> Channels:
    red, green, blue = values
    return red, green, blue
