"""The parts of a quantization plan, typed: what one tensor, one layer, one network is quantized to.

Each turns into JSON as `arch.json` holds it, and is read back strictly from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from vcc.config.overflow import FAST, SAFE
from vcc.errors import ModelError, nearest
from vcc.models.quantized.arithmetic import MODES, SYMMETRIC
from vcc.models.quantized.weight_kinds import WEIGHT_KINDS

RANGE = "range"
_OVERFLOWS = (SAFE, FAST)


@dataclass(frozen=True, kw_only=True)
class ActivationPlan:
    """An activation, quantized over a range.

    Attributes:
        bits: of its integers.
        mode: of `arithmetic.MODES`.
        decay: of the average of ranges that training follows, 0..1; None where calibration sets
            the range.
    """

    bits: int
    mode: str = SYMMETRIC
    decay: float | None = None

    def to_json(self) -> dict[str, object]:
        """Return bits and mode, and the decay where there is one."""
        found: dict[str, object] = {"bits": self.bits, "mode": self.mode}
        return found if self.decay is None else {**found, "decay": self.decay}

    @classmethod
    def from_json(cls, data: object, where: str) -> ActivationPlan:
        """Return what `to_json` gave.

        Raises:
            ModelError: it is something else; the message names the place in it, after `where`.
        """
        fields = _Fields(data, where, ("bits", "mode", "decay"))
        return cls(
            bits=fields.bits(), mode=fields.word("mode", MODES), decay=fields.number("decay")
        )


@dataclass(frozen=True, kw_only=True)
class WeightPlan:
    """A weight or a bias.

    Attributes:
        kind: `RANGE` (its own range), dorefa, wrpn or another of `WEIGHT_KINDS`.
        bits: of its integers.
        mode: of a range, of `arithmetic.MODES`.
        per_channel: of a range: whether each output channel has one of its own.
        overflow: of the other kinds: safe, where what is computed is what integers of 7 bits hold.
        limit: of a range: absolute limit that calibration puts on it; None: the weight's own.
    """

    kind: str
    bits: int
    mode: str = SYMMETRIC
    per_channel: bool = False
    overflow: str = FAST
    limit: float | None = None

    def to_json(self) -> dict[str, object]:
        """Return kind and bits, and what counts for the kind."""
        found: dict[str, object] = {"kind": self.kind, "bits": self.bits}
        if self.kind == RANGE:
            found |= {"mode": self.mode, "per_channel": self.per_channel}
        if self.overflow != FAST:
            found["overflow"] = self.overflow
        return found if self.limit is None else {**found, "limit": self.limit}

    @classmethod
    def from_json(cls, data: object, where: str) -> WeightPlan:
        """Return what `to_json` gave.

        Raises:
            ModelError: it is something else; the message names the place in it, after `where`.
        """
        names = ("kind", "bits", "mode", "per_channel", "overflow", "limit")
        fields = _Fields(data, where, names)
        return cls(
            kind=fields.word("kind", (RANGE, *WEIGHT_KINDS), needed=True),
            bits=fields.bits(),
            mode=fields.word("mode", MODES),
            per_channel=fields.flag("per_channel"),
            overflow=fields.word("overflow", _OVERFLOWS, default=FAST),
            limit=fields.number("limit"),
        )


@dataclass(frozen=True, kw_only=True)
class ClipPlan:
    """A ReLU's output, cut at a clip and rounded to steps of it.

    Attributes:
        bits: of its integers, 0 to 2^bits - 1.
        alpha: the clip, to begin with.
        learned: whether it is trained (PACT) or fixed (DoReFa, WRPN).
    """

    bits: int
    alpha: float
    learned: bool

    def to_json(self) -> dict[str, object]:
        """Return bits, alpha and learned."""
        return {"bits": self.bits, "alpha": self.alpha, "learned": self.learned}

    @classmethod
    def from_json(cls, data: object, where: str) -> ClipPlan:
        """Return what `to_json` gave.

        Raises:
            ModelError: it is something else; the message names the place in it, after `where`.
        """
        fields = _Fields(data, where, ("bits", "alpha", "learned"))
        alpha = fields.number("alpha")
        if alpha is None:
            fields.refuse("alpha", "a number is wanted")
        return cls(bits=fields.bits(), alpha=alpha, learned=fields.flag("learned"))


@dataclass(frozen=True, kw_only=True)
class LayerPlan:
    """A convolution or linear layer; a part that is None stays in float.

    Attributes:
        weight: its weight.
        bias: its bias.
        input: what it reads, where it does not read what is quantized already.
        output: what it makes, where that is added or concatenated.
    """

    weight: WeightPlan | None = None
    bias: WeightPlan | None = None
    input: ActivationPlan | None = None
    output: ActivationPlan | None = None

    @property
    def parts(self) -> dict[str, WeightPlan | ActivationPlan]:
        """What is quantized, by its name."""
        parts = {
            "weight": self.weight,
            "bias": self.bias,
            "input": self.input,
            "output": self.output,
        }
        return {name: part for name, part in parts.items() if part is not None}

    def to_json(self) -> dict[str, object]:
        """Return the parts that are quantized."""
        return {name: part.to_json() for name, part in self.parts.items()}

    @classmethod
    def from_json(cls, data: object, where: str) -> LayerPlan:
        """Return what `to_json` gave.

        Raises:
            ModelError: it is something else; the message names the place in it, after `where`.
        """
        parts = _Fields(data, where, ("weight", "bias", "input", "output")).data
        weights = {
            name: WeightPlan.from_json(parts[name], f"{where}.{name}")
            for name in ("weight", "bias")
            if name in parts
        }
        activations = {
            name: ActivationPlan.from_json(parts[name], f"{where}.{name}")
            for name in ("input", "output")
            if name in parts
        }
        return cls(
            weight=weights.get("weight"),
            bias=weights.get("bias"),
            input=activations.get("input"),
            output=activations.get("output"),
        )


@dataclass(frozen=True, kw_only=True)
class QuantizationPlan:
    """What is quantized in a network.

    Attributes:
        target: runtime whose int8 kernels the integers are for: cpu or tensorrt.
        overflow: safe or fast, see `vcc.config.overflow`.
        layers: layer name to its parts.
        entries: name of a block to its input, which its shortcut shares.
        activations: name of a ReLU to how it clips.
    """

    target: str = "cpu"
    overflow: str = FAST
    layers: Mapping[str, LayerPlan] = field(default_factory=dict)
    entries: Mapping[str, ActivationPlan] = field(default_factory=dict)
    activations: Mapping[str, ClipPlan] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """Return the section `quantizers` of `arch.json`."""
        return {
            "target": self.target,
            "overflow": self.overflow,
            "layers": {name: part.to_json() for name, part in self.layers.items()},
            "entries": {name: part.to_json() for name, part in self.entries.items()},
            "activations": {name: part.to_json() for name, part in self.activations.items()},
        }

    @classmethod
    def from_json(cls, data: object) -> QuantizationPlan:
        """Return what `to_json` gave; files of before say nothing of overflow, and are fast.

        Raises:
            ModelError: it is something else; the message names the place in it.
        """
        where = "quantizers"
        fields = _Fields(data, where, ("target", "overflow", "layers", "entries", "activations"))
        return cls(
            target=fields.word("target", ("cpu", "tensorrt"), default="cpu"),
            overflow=fields.word("overflow", _OVERFLOWS, default=FAST),
            layers={
                name: LayerPlan.from_json(part, f"{where}.layers.{name}")
                for name, part in fields.table("layers").items()
            },
            entries={
                name: ActivationPlan.from_json(part, f"{where}.entries.{name}")
                for name, part in fields.table("entries").items()
            },
            activations={
                name: ClipPlan.from_json(part, f"{where}.activations.{name}")
                for name, part in fields.table("activations").items()
            },
        )


class _Fields:
    """A mapping read from JSON, whose values are checked as they are taken out."""

    def __init__(self, data: object, where: str, names: tuple[str, ...]) -> None:
        if not isinstance(data, Mapping):
            msg = f"{where}: {data!r} is no mapping"
            raise ModelError(msg)
        self.data: Mapping[str, object] = data
        self.where = where
        for name in data:
            if name not in names:
                msg = f"{where}.{name}: is unknown: {nearest(str(name), names)}"
                raise ModelError(msg)

    def refuse(self, name: str, words: str) -> NoReturn:
        msg = f"{self.where}.{name}: {self.data.get(name)!r}: {words}"
        raise ModelError(msg)

    def bits(self) -> int:
        value = self.data.get("bits")
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            self.refuse("bits", "a whole number of at least 1 is wanted")
        return value

    def word(
        self, name: str, known: tuple[str, ...], *, default: str = SYMMETRIC, needed: bool = False
    ) -> str:
        value = self.data.get(name, None if needed else default)
        if not isinstance(value, str) or value not in known:
            self.refuse(name, f"{', '.join(known[:-1])} or {known[-1]} is wanted")
        return value

    def flag(self, name: str) -> bool:
        value = self.data.get(name, False)
        if not isinstance(value, bool):
            self.refuse(name, "true or false is wanted")
        return value

    def number(self, name: str) -> float | None:
        value = self.data.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.refuse(name, "a number is wanted")
        return value

    def table(self, name: str) -> Mapping[str, object]:
        value = self.data.get(name, {})
        if not isinstance(value, Mapping):
            self.refuse(name, "a mapping is wanted")
        return value
