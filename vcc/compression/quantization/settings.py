"""A quantizer of the schedule as checked settings, for any of its classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vcc.compression.quantization.overrides import Bits
from vcc.compression.quantizer_fields import CLIP_MODES, QUANT_MODES
from vcc.config.overflow import AUTO, FAST, settled
from vcc.errors import nearest

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
        options: the rest, by the schedule's names.
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


def quantizer_settings(class_name: str, args: Mapping[str, Any]) -> QuantizerSettings:
    """Return the settings of a schedule's quantizer.

    A `quant_target` chooses modes and per-channel weights that its kernels run, unless `mode` or
    `per_channel_wts` are given. An `overflow` that is not given is auto with a target, and fast
    without one: that is Distiller's own dialect, whose numbers are those of 8 bits.

    Raises:
        ValueError: a mode or clip mode is unknown.
    """
    given = dict(args)
    target = given.pop("quant_target", None)
    default_modes = _TARGET_MODES[target] if target else ("SYMMETRIC", "SYMMETRIC")
    overflow = given.pop("overflow", None) or (AUTO if target else FAST)
    mode = given.pop("mode", None)
    activation_mode, weight_mode = _modes(mode, default_modes)
    default_bits = 8 if class_name == "PostTrainLinearQuantizer" else 32
    bias = None if _is_clipped(class_name) or default_bits == 8 else 32
    bits = Bits(
        activations=given.pop("bits_activations", default_bits),
        weights=given.pop("bits_weights", given.pop("bits_parameters", default_bits)),
        bias=given.pop("bits_bias", bias),
    )
    overrides = given.pop("overrides", None)
    for pattern, settings in (overrides or {}).items():
        _check_override(pattern, settings)
    return QuantizerSettings(
        class_name=class_name,
        bits=bits,
        overrides=overrides,
        activation_mode=activation_mode,
        weight_mode=weight_mode,
        per_channel=bool(given.pop("per_channel_wts", target is not None)),
        target=target or "cpu",
        overflow=settled(overflow, target or "cpu"),
        by_target=target is not None and mode is None,
        options=given,
    )


def _is_clipped(class_name: str) -> bool:
    return class_name in ("DorefaQuantizer", "WRPNQuantizer", "PACTQuantizer")


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
