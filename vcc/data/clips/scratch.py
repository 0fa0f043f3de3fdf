"""Memory that a loader keeps from clip to clip."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


class Scratch:
    """Arrays for passing results, by name: fresh memory costs as much as filling it."""

    def __init__(self) -> None:
        self._memory: dict[str, NDArray[np.uint8]] = {}

    def array(self, name: str, *shape: int) -> NDArray[np.uint8]:
        """Return an uninitialised uint8 array of a shape; the next of that name overwrites it."""
        size = math.prod(shape)
        if name not in self._memory or self._memory[name].size < size:
            self._memory[name] = np.empty(size, np.uint8)
        return self._memory[name][:size].reshape(shape)
