"""Where the time of a file goes: what each layer takes in a runtime, by the network's own names."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx

from vcc.export.runtimes.session import NodeTime, Session
from vcc.spreadsheet import CsvWriter

CSV_HEADER = ("network", "layer", "operation", "kernel", "ms", "share")
# As the classifier calls its network (`vcc.models.classifier`).
_NETWORK, _WEIGHT = "network.", ".weight"
_RUNS = 20


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What the nodes of a file take, in the order of execution.

    Attributes:
        runtime: what ran it.
        nodes: named by the layer whose weights they read; others as the runtime calls them.
    """

    runtime: str
    nodes: tuple[NodeTime, ...]

    @property
    def total_ms(self) -> float:
        """Sum over all nodes."""
        return sum(node.ms for node in self.nodes)

    def share(self, node: NodeTime) -> float:
        """Return the share of a node in the whole, 0..1."""
        return node.ms / self.total_ms if self.total_ms else 0.0

    def largest(self, most: int) -> tuple[NodeTime, ...]:
        """Return the nodes that take most, the largest first."""
        return tuple(sorted(self.nodes, key=lambda node: -node.ms)[:most])


def profile_file(session: Session, clip_shape: tuple[int, int, int, int]) -> Profile | None:
    """Return what the nodes of a session's file take for one clip.

    Args:
        session: that runs a file.
        clip_shape: [3,T,H,W].

    Returns:
        None where the runtime does not show its nodes.
    """
    pixels = np.random.default_rng(0).uniform(0, 255, (1, *clip_shape)).astype(np.float32)
    times = session.node_times(pixels, runs=_RUNS)
    if times is None or session.path is None:
        return None
    layers = layer_names(onnx.load(str(session.path)).graph)
    nodes = (
        NodeTime(
            name=_layer_of(each.name, layers),
            operation=each.operation,
            kernel=each.kernel,
            ms=each.ms,
        )
        for each in times
    )
    return Profile(runtime=session.runtime, nodes=tuple(nodes))


def layer_names(graph: onnx.GraphProto) -> dict[str, str]:
    """Return node -> the layer whose weight it reads, by the names of an exported graph."""
    made_by = {output: node for node in graph.node for output in node.output}
    stored = {tensor.name for tensor in graph.initializer}
    found = {}
    for node in graph.node:
        for name in node.input[1:2]:
            source = made_by.get(name)
            # An int8 weight comes through a DequantizeLinear.
            tensor = source.input[0] if source is not None and source.input else name
            if tensor in stored and tensor.startswith(_NETWORK) and _WEIGHT in tensor:
                found[node.name] = tensor.removeprefix(_NETWORK).split(_WEIGHT)[0]
    return found


def _layer_of(node: str, layers: Mapping[str, str]) -> str:
    # Runtimes append to a node's name what they did to it: node_Conv_168/WithoutBiases.
    for name in sorted(layers, key=len, reverse=True):
        if node == name or (node.startswith(name) and not node[len(name)].isalnum()):
            return layers[name]
    return node


def profiles_csv(profiles: Mapping[str, Profile]) -> str:
    """Return a row for each node of each file."""
    out = io.StringIO()
    writer = CsvWriter(out)
    writer.writerow(CSV_HEADER)
    for name, profile in profiles.items():
        for node in profile.nodes:
            figures = (f"{node.ms:.4f}", f"{profile.share(node):.4f}")
            writer.writerow([name, node.name, node.operation, node.kernel, *figures])
    return out.getvalue()


def profile_table(profiles: Mapping[str, Profile], *, most: int = 24) -> list[list[str]]:
    """Return a table of what layers take in each file: a header, then a row for each layer.

    The nodes of a layer are one row. Only the layers that take most in any file have one, in the
    order of execution; two rows at the end sum up the others and all.

    Args:
        profiles: name of a file -> its profile.
        most: rows of layers.
    """
    times = {name: _by_layer(profile) for name, profile in profiles.items()}
    layers = list(dict.fromkeys(layer for each in times.values() for layer in each))
    top = sorted(layers, key=lambda layer: -max(each.get(layer, 0.0) for each in times.values()))
    shown = [layer for layer in layers if layer in top[:most]]
    rest = [layer for layer in layers if layer not in shown]
    rows = [[layer, *_cells([layer], times)] for layer in shown]
    if rest:
        rows.append([f"{len(rest)} others", *_cells(rest, times)])
    header = [cell for name in profiles for cell in (f"{name}, ms", "share")]
    return [["layer", *header], *rows, ["all", *_cells(layers, times)]]


def _by_layer(profile: Profile) -> dict[str, float]:
    times: dict[str, float] = {}
    for node in profile.nodes:
        times[node.name] = times.get(node.name, 0.0) + node.ms
    return times


def _cells(layers: Sequence[str], times: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return two cells for each file: milliseconds, and their share in all of its layers."""
    cells = []
    for each in times.values():
        own = [each[layer] for layer in layers if layer in each]
        total = sum(each.values())
        cells += [f"{sum(own):.3f}", f"{sum(own) / total:.1%}"] if own and total else ["", ""]
    return cells


def profile_lines(profiles: Mapping[str, Profile], *, most: int = 6) -> list[str]:
    """Return the layers that take most, file by file, as lines of a table."""
    lines = []
    for name, profile in profiles.items():
        title = f"{name}: {profile.total_ms:.2f} ms by layer in {profile.runtime}"
        lines += [title, f"  {'layer':<28}{'kernel':<26}{'ms':>8}{'share':>8}"]
        lines += [
            f"  {node.name:<28.28}{node.kernel:<26.26}{node.ms:>8.2f}{profile.share(node):>8.0%}"
            for node in profile.largest(most)
        ]
    return lines
