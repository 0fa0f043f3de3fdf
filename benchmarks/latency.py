"""What thinning and integers bring on a CPU, against PyTorch and ONNX Runtime in the same run.

    python -m benchmarks.latency [--networks resnet18 ...] [--runs 40] [--threads 0]
                                 [--schedules resnet18=FILE ...]

Networks of full width on clips of 16x112x112, one clip per run. They are untrained: how long a
convolution takes does not depend on its weights, and their accuracy says nothing here. Half of the
filters of every layer are removed by thinning, and integers come from post-training quantization,
both as `compress` does it; *decomposed* is the structure that the shipped schedule makes which
decomposes and prunes (FAMILY_decompose_filters_thin_qat_int8.yaml), or a schedule that is named,
such as one that a search wrote. All sessions of a network are timed in turns, and marks are ratios
of one run: reached or missed. Those for VNNI, which multiplies 8-bit integers, are not judged
without it, nor those against bfloat16 on a processor that has none.
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

from benchmarks.structure import follow_untrained, structure_of
from vcc.compression.channels.dead import zero_filters_
from vcc.compression.channels.trace_cache import TracedChannels
from vcc.compression.engine.builder import file_config
from vcc.compression.schedule.frozen import thaw
from vcc.compression.schedule.loader import load_schedule
from vcc.compression.schedule.schedule import Schedule
from vcc.compression.schedule.shipped import SCHEDULES
from vcc.compression.thinning.group_masks import group_masks
from vcc.compression.thinning.remove import thin_
from vcc.errors import ExportError, ScheduleError
from vcc.evaluation.comparison import as_text
from vcc.export.benchmark import Latency, measure_latency, speed_up
from vcc.export.doctor import cpu_features, cpu_name
from vcc.export.onnx_file import FILE_KEY, export_onnx
from vcc.export.runtimes.catalog import open_session
from vcc.export.runtimes.eager import EagerSession
from vcc.export.runtimes.session import Session
from vcc.models import build_model, count_macs
from vcc.models.pixels import PixelClassifier

ClipShape = tuple[int, int, int, int]
CLIP_SHAPE: ClipShape = (3, 16, 112, 112)
N_CLASSES = 101
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "resnet18": ("resnet", {"model_depth": 18}),
    "mobilenetv2": ("mobilenetv2", {}),
    "csn50": ("csn", {"model_depth": 50, "model_type": "ip"}),
}
EAGER, DENSE, BF16 = "eager", "ORT f32", "OpenVINO bf16"
HALF, DECOMPOSED = "half + int8", "decomposed + int8"
# What OpenVINO's session says where the processor has no bfloat16.
_NO_BF16 = "no bf16 instructions"
# Rows: name -> exported variant, provider, precision. Eager is the dense network itself.
ROWS = {
    DENSE: ("dense", "cpu", "f32"),
    "OpenVINO f32": ("dense", "openvino", "f32"),
    BF16: ("dense", "openvino", "bf16"),
    "OpenVINO int8": ("int8", "openvino", "auto"),
    "half of the filters, f32": ("half", "openvino", "f32"),
    "half of the filters, bf16": ("half", "openvino", "bf16"),
    HALF: ("half_int8", "openvino", "auto"),
    "decomposed, f32": ("decomposed", "openvino", "f32"),
    "decomposed, bf16": ("decomposed", "openvino", "bf16"),
    DECOMPOSED: ("decomposed_int8", "openvino", "auto"),
    "ORT int8": ("int8", "cpu", "auto"),
    "half, ORT f32": ("half", "cpu", "f32"),
    "half + int8, ORT": ("half_int8", "cpu", "auto"),
    "decomposed, ORT f32": ("decomposed", "cpu", "f32"),
    "decomposed + int8, ORT": ("decomposed_int8", "cpu", "auto"),
}


@dataclass(frozen=True)
class Mark:
    """How many times faster a row must be than another one.

    Attributes:
        row: that is judged.
        reference: that it is compared with.
        vnni: on a processor that multiplies 8-bit integers.
        avx2: on one that does not; None: not judged there.
        wished: what is hoped for beyond.
    """

    row: str
    reference: str
    vnni: float
    avx2: float | None = None
    wished: float | None = None


MARKS = {
    "resnet18": (
        Mark(HALF, EAGER, 40.0),
        Mark(HALF, DENSE, 8.0),
        Mark(DECOMPOSED, EAGER, 80.0, avx2=40.0, wished=100.0),
        Mark(DECOMPOSED, BF16, 12.0),
    ),
    "mobilenetv2": (
        Mark(HALF, EAGER, 8.0),
        Mark(DECOMPOSED, EAGER, 25.0),
        Mark(DECOMPOSED, BF16, 4.0),
    ),
    "csn50": (
        Mark(HALF, EAGER, 10.0),
        Mark(DECOMPOSED, EAGER, 25.0),
        Mark(DECOMPOSED, BF16, 6.0),
    ),
}


@dataclass(frozen=True)
class Variants:
    """A network and what compression makes of it.

    Attributes:
        dense: the network.
        files: variant -> exported file: dense, half, decomposed, and each in int8.
        macs: multiply-accumulates of the dense, the halved and the decomposed one.
    """

    dense: nn.Module
    files: Mapping[str, Path]
    macs: tuple[int, int, int]


def make_variants(name: str, folder: Path, schedule: Schedule) -> Variants:
    """Build a network, halve its filters or follow a schedule, quantize all, and export them."""
    torch.manual_seed(0)
    family, options = NETWORKS[name]
    dense = build_model(family, n_classes=N_CLASSES, **options).eval()
    half = halved(dense)
    decomposed = scheduled(dense, schedule)
    networks = {
        "dense": dense,
        "half": half,
        "int8": quantized(dense),
        "half_int8": quantized(half),
        "decomposed": decomposed,
        "decomposed_int8": quantized(decomposed, float_layers_of(schedule)),
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
    macs = (count_macs(dense), count_macs(half), count_macs(decomposed))
    return Variants(classifier(dense), files, macs)


def classifier(network: nn.Module) -> nn.Module:
    """Return a network behind its normalisation of pixels."""
    return PixelClassifier(network, mean=(114.75,) * 3, std=(57.4,) * 3).eval()


def halved(network: nn.Module, *, clip_shape: ClipShape = CLIP_SHAPE) -> nn.Module:
    """Return a copy without half of the filters of every layer, for clips [3,T,H,W]."""
    network, clip = copy.deepcopy(network), torch.zeros(1, *clip_shape)
    channels = TracedChannels.of(network, clip)
    masks = group_masks(channels.groups(), lambda names: 0.5)
    zero_filters_(network, masks, channels.groups())
    thin_(network, masks, clip, channels=channels)
    return network


def scheduled(network: nn.Module, schedule: Schedule) -> nn.Module:
    """Return a copy with the structure that a schedule makes, untrained and in float."""
    network = copy.deepcopy(network)
    # BatchNorm statistics want two clips at least.
    follow_untrained(network, structure_of(schedule), torch.cat(list(_noise(2))))
    return network.eval()


def schedule_for(name: str, given: Mapping[str, Path]) -> Schedule:
    """Return the schedule of a network's decomposed rows: one that is given, or the shipped one.

    Raises:
        ScheduleError: it has clips of its own, which the other rows have not.
    """
    family, _ = NETWORKS[name]
    schedule = load_schedule(
        given.get(name, SCHEDULES / f"{family}_decompose_filters_thin_qat_int8.yaml")
    )
    if schedule.clips:
        msg = f"{schedule.source}: has clips of its own: the rows here are of {CLIP_SHAPE[1:]}"
        raise ScheduleError(msg)
    return schedule


def float_layers_of(schedule: Schedule) -> dict[str, Any]:
    """Return the overrides of a schedule's quantizer, which may leave layers in float."""
    for part in schedule.in_section("quantizers"):
        if part.args.get("overrides"):
            return dict(thaw(part.args["overrides"]))
    return {}


def quantized(
    network: nn.Module,
    overrides: Mapping[str, Any] | None = None,
    *,
    target: str = "cpu",
    clip_shape: ClipShape = CLIP_SHAPE,
) -> nn.Module:
    """Return a copy that is quantized to int8 after training, for clips [3,T,H,W] on a target."""
    network = copy.deepcopy(network)
    policy = {"quantizer": {"instance_name": "int8"}, "epochs": [0]}
    quantizer = {"class": "PostTrainLinearQuantizer", "quant_target": target}
    own = {"overrides": dict(overrides)} if overrides else {}
    schedule = {"quantizers": {"int8": quantizer | own}, "policies": [policy]}
    scheduler = file_config(
        network,
        None,
        schedule,
        example_input=torch.zeros(1, *clip_shape),
        calibration=lambda: _noise(2, clip_shape),
    )
    scheduler.begin_seam(0)
    return network.eval()


def _noise(batches: int, clip_shape: ClipShape = CLIP_SHAPE) -> Iterator[Tensor]:
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
    """Return header and rows of text, with ratios to eager and to dense files in float."""
    references = (EAGER, DENSE, BF16)
    lines = [["", "p50 ms", "p95 ms", *(f"vs {name}" for name in references)]]
    for row, found in times.items():
        if isinstance(found, str):
            lines.append([row, "not run", *[""] * (1 + len(references))])
        else:
            ratios = (_ratio(times, reference, row) for reference in references)
            lines.append([row, f"{found.p50_ms:.2f}", f"{found.p95_ms:.2f}", *ratios])
    return lines


def verdicts(name: str, times: Mapping[str, Latency | str], *, vnni: bool) -> list[str]:
    """Return a line per mark of a network: reached, missed, or why it is not judged."""
    return [f"{_asked(mark)}: {_verdict(mark, times, vnni=vnni)}" for mark in MARKS[name]]


def _asked(mark: Mark) -> str:
    wished = f", {mark.wished:g}x wished" if mark.wished else ""
    avx2 = f", {mark.avx2:g}x without VNNI" if mark.avx2 else ""
    return f"{mark.row} against {mark.reference}, at least {mark.vnni:g}x{wished}{avx2}"


def _verdict(mark: Mark, times: Mapping[str, Latency | str], *, vnni: bool) -> str:
    base, row = times[mark.reference], times[mark.row]
    if isinstance(base, str) or isinstance(row, str):
        return "not measured: no bfloat16 here" if _NO_BF16 in str(base) else "not run"
    ratio = base.p50_ms / row.p50_ms
    least = mark.vnni if vnni else mark.avx2
    if least is None:
        return f"{ratio:.1f}x, not judged without VNNI"
    return f"{ratio:.1f}x, {'reached' if ratio >= least else 'MISSED'}"


def _ratio(times: Mapping[str, Latency | str], reference: str, row: str) -> str:
    base, other = times[reference], times[row]
    if row == reference or isinstance(base, str) or isinstance(other, str):
        return ""
    return speed_up(base, other).as_text()


def _named_schedule(text: str) -> tuple[str, Path]:
    name, _, path = text.partition("=")
    if name not in NETWORKS or not Path(path).is_file():
        msg = f"{text!r}: write one of {', '.join(NETWORKS)}, = and a schedule file"
        raise argparse.ArgumentTypeError(msg)
    return name, Path(path)


def main() -> None:
    """Time the networks and write their tables to standard output."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", allow_abbrev=False)
    parser.add_argument("--networks", nargs="+", choices=tuple(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--runs", type=int, default=40, help="timed runs of each row")
    parser.add_argument("--threads", type=int, default=0, help="of every row; 0: all cores")
    parser.add_argument(
        "--schedules",
        nargs="+",
        default=[],
        metavar="NETWORK=FILE",
        type=_named_schedule,
        help="schedules whose structures are timed in place of the shipped ones that decompose",
    )
    options = parser.parse_args()
    given = dict(options.schedules)
    threads = options.threads or os.cpu_count() or 1
    features = cpu_features()
    vnni = "avx512_vnni" in features or "avx_vnni" in features
    write = sys.stdout.write
    write(f"{cpu_name()}, {threads} threads; {' '.join(features) or 'features unknown'}\n")
    for name in options.networks:
        with tempfile.TemporaryDirectory() as folder:
            schedule = schedule_for(name, given)
            variants = make_variants(name, Path(folder), schedule)
            times = time_network(variants, threads=threads, runs=options.runs)
        dense, half, decomposed = (macs / 1e9 for macs in variants.macs)
        write(f"\n{name}, {dense:.2f} GMACs, half of the filters: {half:.2f} GMACs, ")
        write(f"decomposed by {Path(schedule.source).name}: {decomposed:.2f} GMACs\n")
        write(as_text(table(times)) + "\n")
        for row, found in times.items():
            if isinstance(found, str):
                write(f"not run: {row}: {found}\n")
        write("".join(f"{line}\n" for line in verdicts(name, times, vnni=vnni)))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
