"""The interface of a quantizer: its arguments in a schedule, and the settings that they mean."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import Tensor, nn

from vcc.compression.quantization.guard import Budget
from vcc.compression.quantization.overrides import Bits
from vcc.compression.schedule.arguments import Arguments, argument
from vcc.compression.schedule.fields import (
    anything,
    boolean,
    choice,
    integer,
    mapping,
    optional,
)
from vcc.compression.schedule.frozen import thaw
from vcc.config.overflow import AUTO, FAST, OVERFLOWS, settled
from vcc.errors import ScheduleError, nearest
from vcc.models.quantized.plan_parts import RANGE
from vcc.registry import Registry

QUANT_MODES = ("SYMMETRIC", "SYMMETRIC_RESTRICTED", "ASYMMETRIC_UNSIGNED", "ASYMMETRIC_SIGNED")
CLIP_MODES = ("NONE", "AVG", "N_STD", "GAUSS", "LAPLACE", "PERCENTILE", "ENTROPY", "MSE")
BITS = optional(integer(1, 32))
_TARGET_MODES = {
    "cpu": ("ASYMMETRIC_UNSIGNED", "SYMMETRIC"),
    "tensorrt": ("SYMMETRIC", "SYMMETRIC_RESTRICTED"),
}


@dataclass(frozen=True, kw_only=True)
class QuantizerSettings:
    """What a quantizer of the schedule asks for.

    Args:
        class_name: its class.
        bits: defaults of every module.
        overrides: pattern -> settings.
        activation_mode: mode of activations.
        weight_mode: mode of weights.
        per_channel: one scale per output channel of a weight, of any rank.
        target: runtime whose int8 kernels the integers are for.
        overflow: safe (int8 weights of 7 bits, see `vcc.config.overflow`) or fast.
        by_target: whether the target chose the modes, and may choose others for some layers.
        options: all arguments, by the schedule's names.
    """

    class_name: str
    bits: Bits
    overrides: Mapping[str, Any] | None = None
    activation_mode: str = "SYMMETRIC"
    weight_mode: str = "SYMMETRIC"
    per_channel: bool = False
    target: str = "cpu"
    overflow: str = FAST
    by_target: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def method(self) -> type[QuantizerArguments]:
        """What the quantizer is like, by its class."""
        return QUANTIZERS.get(self.class_name)


@dataclass(frozen=True, kw_only=True)
class QuantizerArguments(Arguments, abc.ABC):
    """Arguments of a quantizer of the schedule's section `quantizers`, and what its class is like.

    Attributes:
        is_calibrated: finds its ranges from calibration batches, and needs no training.
        tracks_ranges: keeps running means of ranges while the network trains.
        weight_kind: of its weight quantizers, see `vcc.models.quantized.weight_kinds`.
        learns_clips: trains the bounds of activations.
    """

    is_calibrated: ClassVar[bool] = False
    tracks_ranges: ClassVar[bool] = False
    weight_kind: ClassVar[str] = RANGE
    learns_clips: ClassVar[bool] = False

    bits_activations: int | None = argument(
        BITS, 32, "bits of activations; null leaves them in float"
    )
    overrides: Mapping[str, Any] | None = argument(
        optional(mapping),
        None,
        "pattern of whole module names -> settings; the first that fits counts",
    )
    overflow: str | None = argument(
        optional(choice(*OVERFLOWS)),
        None,
        "extension: int8 weights: safe (7 bits, right on every processor), fast (8 bits, VNNI "
        "only) or auto; null is auto with a `quant_target`, else fast",
    )

    @abc.abstractmethod
    def bits(self) -> Bits:
        """Return the bits of a module that no override names."""

    def budget(self) -> Budget | None:
        """Return what quantization may cost on dev; None: it is not guarded."""
        return None

    @classmethod
    @abc.abstractmethod
    def insert(cls, model: nn.Module, settings: QuantizerSettings, example_input: Tensor) -> None:
        """Quantize a network in place, for training or for calibration.

        Args:
            model: the network.
            settings: of this quantizer.
            example_input: a batch that it accepts.
        """

    def modes(self) -> tuple[str, str]:
        """Return the modes of activations and weights.

        Raises:
            ValueError: one is unknown.
        """
        return ("SYMMETRIC", "SYMMETRIC")

    def settings(self, class_name: str) -> QuantizerSettings:
        """Return the settings that the arguments mean.

        Args:
            class_name: under which this class is registered.

        Raises:
            ValueError: a mode or clip mode is unknown.
        """
        activation_mode, weight_mode = self.modes()
        for pattern, settings in (self.overrides or {}).items():
            _check_override(pattern, settings)
        return QuantizerSettings(
            class_name=class_name,
            bits=self.bits(),
            overrides=thaw(self.overrides),
            activation_mode=activation_mode,
            weight_mode=weight_mode,
            overflow=settled(self.overflow or FAST, "cpu"),
            options={name: thaw(getattr(self, name)) for name in self.fields()},
        )


QUANTIZERS: Registry[type[QuantizerArguments]] = Registry(
    "quantizer",
    group="vcc.quantizers",
    rooms=("vcc.compression.quantization",),
    error=ScheduleError,
)


@dataclass(frozen=True, kw_only=True)
class RangeArguments(QuantizerArguments):
    """What the range-linear quantizers share.

    A `quant_target` chooses modes and per-channel weights that its kernels run, unless `mode` or
    `per_channel_wts` are given. An `overflow` that is not given is auto with a target, and fast
    without one: that is Distiller's own dialect, whose numbers are those of 8 bits.
    """

    mode: Any = argument(
        anything,
        None,
        "SYMMETRIC, SYMMETRIC_RESTRICTED, ASYMMETRIC_UNSIGNED or ASYMMETRIC_SIGNED, or "
        "`{activations: mode, weights: mode}`; null is SYMMETRIC, or the target's",
    )
    per_channel_wts: bool | None = argument(
        boolean, None, "a scale for each output channel of a weight; by default with a target"
    )
    quant_target: str | None = argument(
        optional(choice(*_TARGET_MODES)),
        None,
        "extension: runtime that the integers are for, cpu or tensorrt: it chooses modes and "
        "per-channel weights",
    )

    def modes(self) -> tuple[str, str]:
        target = self.quant_target
        return _modes(self.mode, _TARGET_MODES[target] if target else super().modes())

    def settings(self, class_name: str) -> QuantizerSettings:
        target, per_channel = self.quant_target, self.per_channel_wts
        return dataclasses.replace(
            super().settings(class_name),
            per_channel=target is not None if per_channel is None else per_channel,
            target=target or "cpu",
            overflow=settled(self.overflow or (AUTO if target else FAST), target or "cpu"),
            by_target=target is not None and self.mode is None,
        )


def _modes(mode: Any, default: tuple[str, str]) -> tuple[str, str]:
    if mode is None:
        return default
    if isinstance(mode, Mapping):
        unknown = set(mode) - {"activations", "weights"}
        if unknown:
            msg = f"mode: {sorted(unknown)} unknown; it takes activations and weights"
            raise ValueError(msg)
        return (
            _mode(mode.get("activations", default[0])),
            _mode(mode.get("weights", default[1])),
        )
    return _mode(mode), _mode(mode)


def _mode(value: Any) -> str:
    if value not in QUANT_MODES:
        msg = f"mode: {value!r} is unknown: {nearest(str(value), QUANT_MODES)}"
        raise ValueError(msg)
    return str(value)


# what an override may set beside the bits
OVERRIDE_KEYS = (
    "bits_activations",
    "bits_weights",
    "bits_bias",
    "clip_acts",
    "clip_n_stds",
    "clip_half_range",
    "fp16",
    "fpq_module",
    "fake",
    "per_channel_wts",
    "mode",
    "scale_approx_mult_bits",
    "input_overrides",
    "make_identity",
    "act_clip_init_val",
)


def _check_override(pattern: str, settings: Any) -> None:
    if not isinstance(settings, Mapping):
        return
    for key, value in settings.items():
        if key not in OVERRIDE_KEYS and key not in ("acts", "wts", "bias"):
            msg = f"overrides.{pattern}.{key}: unknown: {nearest(str(key), OVERRIDE_KEYS)}"
            raise ValueError(msg)
        if key == "clip_acts" and value not in CLIP_MODES:
            msg = f"overrides.{pattern}.clip_acts: {nearest(str(value), CLIP_MODES)}"
            raise ValueError(msg)
        if key == "mode":
            _modes(value, ("SYMMETRIC", "SYMMETRIC"))
