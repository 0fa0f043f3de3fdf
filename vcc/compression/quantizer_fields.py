"""The dialect's quantizers with their arguments."""

from __future__ import annotations

from typing import Any

from vcc.compression.fields import (
    Field,
    anything,
    boolean,
    choice,
    integer,
    mapping,
    number,
    optional,
    table,
)
from vcc.config.overflow import OVERFLOWS

QUANT_MODES = ("SYMMETRIC", "SYMMETRIC_RESTRICTED", "ASYMMETRIC_UNSIGNED", "ASYMMETRIC_SIGNED")
CLIP_MODES = ("NONE", "AVG", "N_STD", "GAUSS", "LAPLACE", "PERCENTILE", "ENTROPY", "MSE")

_BITS = Field(optional(integer(1, 32)), 32)
_OVERFLOW = Field(
    optional(choice(*OVERFLOWS)), None, "extension: safe: 7-bit weights; fast: 8; auto: by target"
)
_ACCUM_BITS = Field(integer(8, 64), 32)
_MODE = Field(anything, "SYMMETRIC", "one mode, or {activations: mode, weights: mode}")
_OVERRIDES = Field(optional(mapping), None, "pattern -> settings, first match wins")
_CLIPPED = {
    "bits_activations": _BITS,
    "bits_weights": _BITS,
    "bits_bias": Field(optional(integer(1, 32)), None),
    "overrides": _OVERRIDES,
    "overflow": _OVERFLOW,
}
_TARGET = Field(
    optional(choice("cpu", "tensorrt")), None, "extension: runtime that the integers are for"
)


def _guard(value: Any) -> Any:
    found = {key: number(at_least=0)(item) for key, item in table(anything)(value).items()}
    for key in found:
        choice("loss", "top1")(key)
    if not found:
        msg = "names neither loss nor top1"
        raise ValueError(msg)
    return found


QUANTIZERS = {
    "QuantAwareTrainRangeLinearQuantizer": {
        "bits_activations": _BITS,
        "bits_weights": _BITS,
        "bits_bias": _BITS,
        "overrides": _OVERRIDES,
        "mode": _MODE,
        "ema_decay": Field(number(at_least=0, at_most=1), 0.999),
        "per_channel_wts": Field(boolean, False),
        "quantize_inputs": Field(boolean, True),
        "num_bits_inputs": Field(optional(integer(2, 16)), None),
        "quant_target": _TARGET,
        "overflow": _OVERFLOW,
    },
    "DorefaQuantizer": _CLIPPED,
    "WRPNQuantizer": _CLIPPED,
    "PACTQuantizer": {
        **_CLIPPED,
        "act_clip_init_val": Field(number(above=0), 8.0),
        "act_clip_decay": Field(optional(number(at_least=0)), None),
    },
    "PostTrainLinearQuantizer": {
        "bits_activations": Field(optional(integer(2, 32)), 8),
        "bits_parameters": Field(optional(integer(2, 32)), 8),
        "bits_accum": _ACCUM_BITS,
        "overrides": _OVERRIDES,
        "mode": _MODE,
        "clip_acts": Field(choice(*CLIP_MODES), "NONE"),
        "per_channel_wts": Field(boolean, False),
        "model_activation_stats": Field(optional(anything), None),
        "fp16": Field(boolean, False),
        "clip_n_stds": Field(optional(number(above=0)), None),
        "clip_half_range": Field(boolean, False),
        "scale_approx_mult_bits": Field(optional(integer(1, 32)), None),
        "inputs_quant_auto_fallback": Field(boolean, True),
        "fpq_module": Field(optional(anything), None),
        "save_fp_weights": Field(boolean, False),
        "also_clip_weights": Field(boolean, False),
        "quant_target": _TARGET,
        "overflow": _OVERFLOW,
        "guard": Field(
            optional(_guard), None, "extension: what it may cost on dev: {loss: nats, top1: share}"
        ),
    },
}
