"""The quantizers of a schedule: range-linear (trained or calibrated) and clipped ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from vcc.compression.mending.mend import NEAREST, ROUNDINGS
from vcc.compression.quantization.build_plan import clipped_plan
from vcc.compression.quantization.guard import Budget
from vcc.compression.quantization.insertion import insert_by_ranges
from vcc.compression.quantization.overrides import Bits
from vcc.compression.quantization.settings import (
    BITS,
    CLIP_MODES,
    QUANTIZERS,
    QuantizerArguments,
    QuantizerSettings,
    RangeArguments,
)
from vcc.compression.schedule.arguments import argument
from vcc.compression.schedule.fields import (
    anything,
    boolean,
    choice,
    integer,
    number,
    optional,
    table,
)
from vcc.models.quantized.plan import apply_plan

_NO_EFFECT = "accepted, no effect: it set up Distiller's integer simulation"
_WEIGHTS_HELP = "bits of weights; null leaves them in float"
_BIAS_HELP = "bits of biases; null leaves them in float"


@QUANTIZERS.register("QuantAwareTrainRangeLinearQuantizer")
@dataclass(frozen=True, kw_only=True)
class TrainedRanges(RangeArguments):
    """Trains with linearly quantized weights and activations.

    Ranges of activations are running means.
    """

    tracks_ranges = True

    bits_weights: int | None = argument(BITS, 32, _WEIGHTS_HELP)
    bits_bias: int | None = argument(BITS, 32, _BIAS_HELP)
    ema_decay: float = argument(
        number(at_least=0, at_most=1), 0.999, "decay of the running means of ranges, 0 to 1"
    )
    quantize_inputs: bool = argument(boolean, True, "quantize the input of the network")
    num_bits_inputs: int | None = argument(
        optional(integer(2, 16)),
        None,
        "bits of the network's input, 2 to 16; null: as activations",
    )

    def bits(self) -> Bits:
        return Bits(self.bits_activations, self.bits_weights, self.bits_bias)

    @classmethod
    def insert(cls, model: nn.Module, settings: QuantizerSettings, example_input: Tensor) -> None:
        insert_by_ranges(model, settings, example_input)


@dataclass(frozen=True, kw_only=True)
class ClippedArguments(QuantizerArguments):
    """What the clipped quantizers share: they train with live BatchNorms."""

    weight_kind = "dorefa"

    bits_weights: int | None = argument(BITS, 32, _WEIGHTS_HELP)
    bits_bias: int | None = argument(BITS, None, _BIAS_HELP)

    def bits(self) -> Bits:
        return Bits(self.bits_activations, self.bits_weights, self.bits_bias)

    @classmethod
    def insert(cls, model: nn.Module, settings: QuantizerSettings, example_input: Tensor) -> None:
        apply_plan(model, clipped_plan(model, settings))


@QUANTIZERS.register("DorefaQuantizer")
@dataclass(frozen=True, kw_only=True)
class Dorefa(ClippedArguments):
    """Trains with DoReFa's weights (through tanh); activations are cut at 1."""


@QUANTIZERS.register("WRPNQuantizer")
@dataclass(frozen=True, kw_only=True)
class Wrpn(ClippedArguments):
    """Trains with weights cut to -1..1; activations are cut at 1."""

    weight_kind = "wrpn"


@QUANTIZERS.register("PACTQuantizer")
@dataclass(frozen=True, kw_only=True)
class Pact(ClippedArguments):
    """DoReFa's weights; activations are cut at a bound that is trained."""

    learns_clips = True

    act_clip_init_val: float = argument(number(above=0), 8.0, "first bound, above 0")
    act_clip_decay: float | None = argument(
        optional(number(at_least=0)), None, "weight decay of the bounds; null: the optimizer's"
    )


def _budget(value: Any) -> Budget:
    if isinstance(value, Budget):
        return value
    found = {key: number(at_least=0)(item) for key, item in table(anything)(value).items()}
    for key in found:
        choice("loss", "top1")(key)
    if not found:
        msg = "names neither loss nor top1"
        raise ValueError(msg)
    return Budget(**found)


@QUANTIZERS.register("PostTrainLinearQuantizer")
@dataclass(frozen=True, kw_only=True)
class CalibratedRanges(RangeArguments):
    """Quantizes without training, by ranges of calibration clips."""

    is_calibrated = True

    bits_activations: int | None = argument(
        optional(integer(2, 32)), 8, "bits of activations; null leaves them in float"
    )
    bits_parameters: int | None = argument(optional(integer(2, 32)), 8, _WEIGHTS_HELP)
    bits_accum: int = argument(integer(8, 64), 32, _NO_EFFECT)
    clip_acts: str = argument(
        choice(*CLIP_MODES),
        "NONE",
        "how ranges are cut: NONE, AVG, N_STD, GAUSS, LAPLACE, or (extensions) PERCENTILE, "
        "ENTROPY, MSE",
    )
    model_activation_stats: Any = argument(
        optional(anything), None, "file of statistics to take in place of calibration clips"
    )
    fp16: bool = argument(boolean, False, _NO_EFFECT)
    clip_n_stds: float | None = argument(
        optional(number(above=0)), None, "standard deviations of N_STD, above 0"
    )
    clip_half_range: bool = argument(
        boolean, False, "the range of values that are never negative begins at 0"
    )
    scale_approx_mult_bits: int | None = argument(optional(integer(1, 32)), None, _NO_EFFECT)
    inputs_quant_auto_fallback: bool = argument(boolean, True, _NO_EFFECT)
    fpq_module: Any = argument(optional(anything), None, _NO_EFFECT)
    save_fp_weights: bool = argument(boolean, False, _NO_EFFECT)
    also_clip_weights: bool = argument(boolean, False, "cut the ranges of weights too")
    rounding: str = argument(
        choice(*ROUNDINGS),
        NEAREST,
        "extension: how weights are rounded: nearest, or gptq (by calibration clips, so that the "
        "layer's output errs least)",
    )
    bias_correction: bool = argument(
        boolean, False, "extension: let biases make up for shifted means, by calibration clips"
    )
    guard: Budget | None = argument(
        optional(_budget),
        None,
        "extension: what quantization may cost on dev, `{loss: nats, top1: share}`",
    )

    def bits(self) -> Bits:
        return Bits(self.bits_activations, self.bits_parameters, None)

    def budget(self) -> Budget | None:
        return self.guard

    @classmethod
    def insert(cls, model: nn.Module, settings: QuantizerSettings, example_input: Tensor) -> None:
        insert_by_ranges(model, settings, example_input)
