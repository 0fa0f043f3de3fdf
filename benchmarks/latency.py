"""What thinning and integers bring on a CPU, against PyTorch and ONNX Runtime in the same run.

    python -m benchmarks.latency [--networks resnet18 ...] [--runs 40] [--threads 0]

Networks of full width on clips of 16x112x112, one clip per run. They are untrained: how long a
convolution takes does not depend on its weights, and their accuracy says nothing here. Half of the
filters of every layer are removed by thinning, and integers come from post-training quantization,
both as `compress` does it; *stem* is the first convolution's kernel cut in space and time, of rank
16. All sessions of a network are timed in turns. Without VNNI, which
multiplies 8-bit integers, ratios are printed and marks are not judged.
"""

from __future__ import annotations

import argparse
import copy
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vcc.compression.channels.dead import zero_filters_
from vcc.compression.channels.trace_cache import TracedChannels
from vcc.compression.decomposition.decompose import Decomposer, decompose_
from vcc.compression.decomposition.ranks import RankRule
from vcc.compression.engine.builder import file_config
from vcc.compression.thinning.group_masks import group_masks
from vcc.compression.thinning.remove import thin_
from vcc.errors import ExportError
from vcc.evaluation.comparison import as_text
from vcc.export.benchmark import Latency, measure_latency, speed_up
from vcc.export.doctor import cpu_features, cpu_name
from vcc.export.onnx_file import FILE_KEY, export_onnx
from vcc.export.runtimes.catalog import open_session
from vcc.export.runtimes.eager import EagerSession
from vcc.export.runtimes.session import Session
from vcc.models import build_model, count_macs
from vcc.models.decomposed import SPATIAL_TEMPORAL
from vcc.models.pixels import PixelClassifier

CLIP_SHAPE = (3, 16, 112, 112)
N_CLASSES = 101
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "resnet18": ("resnet", {"model_depth": 18}),
    "mobilenetv2": ("mobilenetv2", {}),
    "csn50": ("csn", {"model_depth": 50, "model_type": "ip"}),
}
EAGER, DENSE = "eager", "ORT f32"
BEST = "half + int8"
# Rows: name -> exported variant, provider, precision. Eager is the dense network itself.
ROWS = {
    DENSE: ("dense", "cpu", "f32"),
    "OpenVINO f32": ("dense", "openvino", "f32"),
    "OpenVINO bf16": ("dense", "openvino", "bf16"),
    "OpenVINO int8": ("int8", "openvino", "auto"),
    "half of the filters, f32": ("half", "openvino", "f32"),
    "half of the filters, bf16": ("half", "openvino", "bf16"),
    BEST: ("half_int8", "openvino", "auto"),
    "half, stem, f32": ("half_stem", "openvino", "f32"),
    "half, stem + int8": ("half_stem_int8", "openvino", "auto"),
    "ORT int8": ("int8", "cpu", "auto"),
    "half, ORT f32": ("half", "cpu", "f32"),
    "half + int8, ORT": ("half_int8", "cpu", "auto"),
    "half, stem, ORT f32": ("half_stem", "cpu", "f32"),
    "half, stem + int8, ORT": ("half_stem_int8", "cpu", "auto"),
}
# of the stem, for the rows that say so
STEM_RANK = 16
# Network -> how many times faster BEST must be than a row.
MARKS = {
    "resnet18": {EAGER: 40.0, DENSE: 8.0},
    "mobilenetv2": {EAGER: 8.0},
    "csn50": {EAGER: 10.0},
}


@dataclass(frozen=True)
class Variants:
    """A network and what compression makes of it.

    Attributes:
        dense: the network.
        files: variant -> exported file: dense, half, half_stem, and each in int8.
        macs: multiply-accumulates of the dense, the thinned, and the one with another stem, too.
    """

    dense: nn.Module
    files: Mapping[str, Path]
    macs: tuple[int, int, int]


def make_variants(name: str, folder: Path) -> Variants:
    """Build a network, halve its filters, decompose its stem, quantize all, and export them."""
    torch.manual_seed(0)
    family, options = NETWORKS[name]
    dense = build_model(family, n_classes=N_CLASSES, **options).eval()
    half = halved(dense)
    half_stem = with_decomposed_stem(half)
    networks = {
        "dense": dense,
        "half": half,
        "int8": quantized(dense),
        "half_int8": quantized(half),
        "half_stem": half_stem,
        "half_stem_int8": quantized(half_stem),
    }
    files = {
        variant: export_onnx(
            classifier(network),
            folder / f"{name}-{variant}.onnx",
            clip_shape=CLIP_SHAPE,
            opset=20,
            metadata={FILE_KEY: {"quant_target": "cpu"}},
        )
        for variant, network in networks.items()
    }
    macs = (count_macs(dense), count_macs(half), count_macs(half_stem))
    return Variants(classifier(dense), files, macs)


def classifier(network: nn.Module) -> nn.Module:
    """Return a network behind its normalisation of pixels."""
    return PixelClassifier(network, mean=(114.75,) * 3, std=(57.4,) * 3).eval()


def halved(network: nn.Module, *, clip_shape: tuple[int, int, int, int] = CLIP_SHAPE) -> nn.Module:
    """Return a copy without half of the filters of every layer, for clips [3,T,H,W]."""
    network, clip = copy.deepcopy(network), torch.zeros(1, *clip_shape)
    channels = TracedChannels.of(network, clip)
    masks = group_masks(channels.groups(), lambda names: 0.5)
    zero_filters_(network, masks, channels.groups())
    thin_(network, masks, clip, channels=channels)
    return network


def with_decomposed_stem(network: nn.Module) -> nn.Module:
    """Return a copy whose first convolution is one in space and one in time."""
    network = copy.deepcopy(network)
    stem = next(n for n, m in network.named_modules() if isinstance(m, nn.Conv3d))
    plan = Decomposer(
        weights=(f"{stem}.weight",), form=SPATIAL_TEMPORAL, rule=RankRule(rank=(STEM_RANK,))
    )
    decompose_(network, plan, torch.zeros(1, *CLIP_SHAPE))
    return network


def quantized(
    network: nn.Module,
    *,
    target: str = "cpu",
    clip_shape: tuple[int, int, int, int] = CLIP_SHAPE,
) -> nn.Module:
    """Return a copy that is quantized to int8 after training, for clips [3,T,H,W] on a target."""
    network = copy.deepcopy(network)
    policy = {"quantizer": {"instance_name": "int8"}, "epochs": [0]}
    schedule = {
        "quantizers": {"int8": {"class": "PostTrainLinearQuantizer", "quant_target": target}},
        "policies": [policy],
    }
    scheduler = file_config(
        network,
        None,
        schedule,
        example_input=torch.zeros(1, *clip_shape),
        calibration=lambda: _noise(2, clip_shape),
    )
    scheduler.begin_seam(0)
    return network.eval()


def _noise(batches: int, clip_shape: tuple[int, int, int, int]) -> Iterator[Tensor]:
    generator = torch.Generator().manual_seed(1)
    for _ in range(batches):
        yield torch.randn(1, *clip_shape, generator=generator)


def time_network(variants: Variants, *, threads: int, runs: int) -> dict[str, Latency | str]:
    """Return row -> times, or why it cannot be run here."""
    sessions: dict[str, Session] = {EAGER: EagerSession(variants.dense, threads=threads)}
    refused: dict[str, str] = {}
    for row, (variant, provider, precision) in ROWS.items():
        try:
            sessions[row] = open_session(
                variants.files[variant], provider=provider, threads=threads, precision=precision
            )
        except ExportError as error:
            refused[row] = " ".join(str(error).split())
    times = measure_latency(
        sessions, dict.fromkeys(sessions, CLIP_SHAPE), batch=1, runs=runs, warmup=3
    )
    return {row: refused.get(row) or times[row] for row in (EAGER, *ROWS)}


def table(times: Mapping[str, Latency | str]) -> list[list[str]]:
    """Return header and rows of text, with ratios to eager and to dense ONNX Runtime."""
    lines = [["", "p50 ms", "p95 ms", "vs eager", "vs dense ORT f32"]]
    for row, found in times.items():
        if isinstance(found, str):
            lines.append([row, "not run", "", "", ""])
        else:
            ratios = (_ratio(times, reference, row) for reference in (EAGER, DENSE))
            lines.append([row, f"{found.p50_ms:.2f}", f"{found.p95_ms:.2f}", *ratios])
    return lines


def verdicts(name: str, times: Mapping[str, Latency | str], *, vnni: bool) -> list[str]:
    """Return a line per mark of a network: reached, missed, or not judged."""
    lines = []
    for reference, mark in MARKS[name].items():
        base, best = times[reference], times[BEST]
        what = f"{BEST} against {reference}, at least {mark:g}x"
        if isinstance(base, str) or isinstance(best, str):
            lines.append(f"{what}: not run")
            continue
        ratio = base.p50_ms / best.p50_ms
        verdict = "reached" if ratio >= mark else "MISSED"
        lines.append(f"{what}: {ratio:.1f}x, {verdict if vnni else 'not judged without VNNI'}")
    return lines


def _ratio(times: Mapping[str, Latency | str], reference: str, row: str) -> str:
    base, other = times[reference], times[row]
    if row == reference or isinstance(base, str) or isinstance(other, str):
        return ""
    return speed_up(base, other).as_text()


def main() -> None:
    """Time the networks and write their tables to standard output."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", allow_abbrev=False)
    parser.add_argument("--networks", nargs="+", choices=tuple(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--runs", type=int, default=40, help="timed runs of each row")
    parser.add_argument("--threads", type=int, default=0, help="of every row; 0: all cores")
    options = parser.parse_args()
    threads = options.threads or os.cpu_count() or 1
    features = cpu_features()
    vnni = "avx512_vnni" in features or "avx_vnni" in features
    write = sys.stdout.write
    write(f"{cpu_name()}, {threads} threads; {' '.join(features) or 'features unknown'}\n")
    for name in options.networks:
        with tempfile.TemporaryDirectory() as folder:
            variants = make_variants(name, Path(folder))
            times = time_network(variants, threads=threads, runs=options.runs)
        dense, half, stem = (macs / 1e9 for macs in variants.macs)
        write(f"\n{name}, {dense:.2f} GMACs, half of the filters: {half:.2f} GMACs, ")
        write(f"with a stem of rank {STEM_RANK}: {stem:.2f} GMACs\n")
        write(as_text(table(times)) + "\n")
        for row, found in times.items():
            if isinstance(found, str):
                write(f"not run: {row}: {found}\n")
        write("".join(f"{line}\n" for line in verdicts(name, times, vnni=vnni)))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
