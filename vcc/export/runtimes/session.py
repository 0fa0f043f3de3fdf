"""What every runtime offers: a loaded graph that runs, and says what it really runs on."""

from __future__ import annotations

import abc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Pixels = npt.NDArray[np.float32]
    Array = npt.NDArray[Any]
else:
    # For annotations only: what declares a runtime imports this, and must not wait for NumPy.
    Pixels = Array = Any


@dataclass(frozen=True, kw_only=True)
class Node:
    """A convolution or linear layer of the graph as the runtime will execute it.

    Attributes:
        name: as the runtime calls it.
        kernel: what executes it.
        int8: whether that computes on integers.
    """

    name: str
    kernel: str
    int8: bool


@dataclass(frozen=True, kw_only=True)
class NodeTime:
    """What a node of the graph as the runtime executes it takes.

    Attributes:
        name: as the runtime calls it.
        operation: what it computes.
        kernel: what executes it; "" where the runtime does not say.
        ms: milliseconds of one run, the median.
    """

    name: str
    operation: str
    kernel: str
    ms: float


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Which convolutions and linear layers run in int8, read off the optimised graph.

    Attributes:
        runtime: whose graph.
        nodes: the layers; None where the runtime does not show its graph.
    """

    runtime: str
    nodes: tuple[Node, ...] | None

    @property
    def fell_back(self) -> tuple[Node, ...]:
        """Layers that run in float."""
        return tuple(node for node in self.nodes or () if not node.int8)

    def as_text(self) -> str:
        """Return one line that counts, and one per layer that runs in float."""
        if self.nodes is None:
            return f"{self.runtime}: does not show which layers run in int8"
        total, floats = len(self.nodes), self.fell_back
        lines = [f"{self.runtime}: {total - len(floats)} of {total} layers run in int8"]
        return "\n".join([*lines, *(f"  float: {node.name} ({node.kernel})" for node in floats)])


class Session(abc.ABC):
    """A loaded graph.

    Attributes:
        runtime: runtime and provider that really run it, such as "onnxruntime CPU".
        precision: what its layers compute in: f32, f16, bf16, or int8 for a quantized graph.
        path: the file that it runs; None for what runs no file.
    """

    runtime: str
    path: Path | None = None
    precision: str = "f32"

    @abc.abstractmethod
    def run(self, pixels: Pixels) -> npt.NDArray[np.float32]:
        """Return logits [N,C] for pixels 0..255, float32 [N,3,T,H,W]."""

    def coverage(self) -> Coverage:
        """Return which layers run in int8."""
        return Coverage(runtime=self.runtime, nodes=None)

    def node_times(self, pixels: Pixels, *, runs: int) -> tuple[NodeTime, ...] | None:
        """Return what every node takes, in the order of execution.

        The runtime's own clock around each node costs a little, too: the sum is more than a run.

        Args:
            pixels: 0..255, float32 [N,3,T,H,W].
            runs: how many are timed.

        Returns:
            None where the runtime does not show its nodes.
        """
        return None

    def outputs_of(self, path: Path) -> Callable[[Pixels], list[Array]] | None:
        """Return what runs another graph as this session runs its own, with all of its outputs.

        Args:
            path: the same file with more outputs.

        Returns:
            What maps pixels to the outputs in the graph's order; None where the runtime computes
            another thing as soon as it has to show it.
        """
        return None
