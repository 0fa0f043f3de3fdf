"""In which precision a candidate's layers compute: all alike, or some stages left in float."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

# A decomposed layer's parts are called by its name and their number.
_PART = r"([.]\d+)?"


@dataclass(frozen=True)
class Precision:
    """Precision of a network's layers.

    Attributes:
        int8: whether layers are quantized at all.
        floats: the dense network's layers that then stay in float, by name.
    """

    int8: bool
    floats: tuple[str, ...] = ()

    def is_int8(self, layer: str) -> bool:
        """Return whether a layer, or a part of one that was decomposed, is quantized."""
        return self.int8 and not (self.floats and self._float_layers.fullmatch(layer))

    @property
    def is_mixed(self) -> bool:
        """Whether some layers are quantized and others are not."""
        return self.int8 and bool(self.floats)

    def overrides(self) -> dict[str, Any]:
        """Return a quantizer's `overrides`, for a schedule's arguments; empty if all are alike."""
        if not self.is_mixed:
            return {}
        kept = {"bits_activations": None, "bits_weights": None}
        return {"overrides": {_pattern(self.floats): kept}}

    @cached_property
    def _float_layers(self) -> re.Pattern[str]:
        return re.compile(_pattern(self.floats))


ALL_INT8, ALL_FLOAT = Precision(int8=True), Precision(int8=False)


def _pattern(layers: Sequence[str]) -> str:
    return f"({'|'.join(re.escape(name) for name in layers)}){_PART}"
