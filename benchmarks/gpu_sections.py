"""The sections of `benchmarks.gpu`: gradients, training steps, inference, and the runtimes."""

from __future__ import annotations

import copy
import functools
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.gpu_rows import Bench, Row
from benchmarks.gpu_ways import (
    GRADIENT_WAYS,
    INFERENCE_WAYS,
    OPTIONS,
    TF32_LIMIT,
    TRAINING_WAYS,
    Training,
    Way,
    check_way,
    flat_gradient,
    forward_call,
)
from benchmarks.latency import classifier, halved, quantized
from vcc.export.onnx_file import FILE_KEY, export_onnx, half_precision
from vcc.export.parity import TOLERANCES
from vcc.export.runtimes.catalog import open_session
from vcc.models import build_model
from vcc.pipeline.evaluate.inference import classify_with_network
from vcc.training.precision.check import relative_error
from vcc.training.precision.choice import choose_plan

N_CLASSES = 101
_INFERENCE_BATCH = 8


AUTO, EVALUATE = "train_precision=auto", "dense, as evaluate does it"
REFERENCE = "dense, PyTorch fp32"
NETWORKS = ("dense", "half")
# Name of a row -> network, provider, precision.
CUDA_ROWS = {
    f"{network}, CUDA {precision}": (network, "cuda", precision)
    for network in NETWORKS
    for precision in ("f32", "f16")
}
TENSORRT_ROWS = {
    f"{network}, TensorRT {precision}": (network, "tensorrt", precision)
    for network in NETWORKS
    for precision in ("f16", "int8")
}


def gradients(bench: Bench) -> None:
    """Compare the gradients of every way of training with float64, on a small network."""
    network, clips, labels = small_case()
    exact = copy.deepcopy(network).double()
    loss = nn.functional.cross_entropy(exact(clips.double()), labels)
    loss.backward()  # type: ignore[no-untyped-call]
    reference = flat_gradient(exact)

    def compare(way: Way, row: Row) -> None:
        check_way(bench, way)
        here = clips.to(bench.device), labels.to(bench.device)
        training = Training(network, way, *here, bench=bench)
        training.backward()
        row.error, row.limit = relative_error(training.gradient(), reference), way.limit

    for way in GRADIENT_WAYS:
        bench.attempt(way.name, functools.partial(compare, way))


def training(bench: Bench) -> None:
    """Time training steps of a ResNet; `auto` is what a user's training would choose here."""
    network = classifier(_resnet(bench)).train()
    clips, labels = _batch(bench, bench.size.batch)
    calls: dict[str, Callable[[], object]] = {}

    def enter(way: Way, row: Row) -> None:
        check_way(bench, way)
        with bench.memory(row):
            made = Training(network, way, clips, labels, bench=bench)
            made.step()
        if not bool(torch.isfinite(made.gradient()).all()):
            row.error, row.limit = float("inf"), way.limit
        calls[way.name] = made.step

    for way in TRAINING_WAYS:
        bench.attempt(way.name, functools.partial(enter, way))
    bench.time(calls)

    def choose(row: Row) -> None:
        placed = copy.deepcopy(network).to(bench.device)
        loss = nn.CrossEntropyLoss()
        choice = choose_plan(placed, clips, labels, loss=loss, options=OPTIONS)
        row.note = "; ".join(" ".join(line.split()) for line in choice.lines())

    bench.attempt(AUTO, choose)


def inference(bench: Bench) -> None:
    """Time PyTorch on the dense network and with half of its filters; compare with the CPU."""
    networks = _networks(bench)
    pixels = _pixels(bench)
    answers = {name: _answer(network, pixels) for name, network in networks.items()}
    calls: dict[str, Callable[[], object]] = {}

    def enter(name: str, way: Way, row: Row) -> None:
        check_way(bench, way)
        with bench.memory(row):
            call = forward_call(networks[name], way, pixels, bench)
            found = call()
        row.error, row.limit = relative_error(found, answers[name]), way.limit
        calls[row.name] = call

    def evaluate(row: Row) -> None:
        classify = classify_with_network(copy.deepcopy(networks["dense"]), bench.device)
        bytes_ = pixels.to(torch.uint8)
        # As PyTorch has it by default, TF32 in convolutions.
        found = classify(bytes_).cpu()
        row.error, row.limit = relative_error(found, answers["dense"]), TF32_LIMIT
        calls[row.name] = lambda: classify(bytes_).cpu()

    for name in NETWORKS:
        for way in INFERENCE_WAYS:
            bench.attempt(f"{name}, {way.name}", functools.partial(enter, name, way))
    bench.attempt(EVALUATE, evaluate)
    bench.time(calls)


def onnxruntime(bench: Bench) -> None:
    """Time ONNX Runtime's CUDA provider against PyTorch, in the same process."""
    _runtimes(bench, CUDA_ROWS)


def tensorrt(bench: Bench) -> None:
    """Time TensorRT against PyTorch, in the same process; its int8 is not judged."""
    _runtimes(bench, TENSORRT_ROWS)


SECTIONS: dict[str, Callable[[Bench], None]] = {
    "gradients": gradients,
    "training": training,
    "inference": inference,
    "onnxruntime": onnxruntime,
    "tensorrt": tensorrt,
}


def row_names(section: str) -> list[str]:
    """Return the rows of a section, in their order."""
    ways = [way.name for way in TRAINING_WAYS]
    return {
        "gradients": [way.name for way in GRADIENT_WAYS],
        "training": [*ways, AUTO],
        "inference": [
            *(f"{name}, {way.name}" for name in NETWORKS for way in INFERENCE_WAYS),
            EVALUATE,
        ],
        "onnxruntime": [REFERENCE, *CUDA_ROWS],
        "tensorrt": [REFERENCE, *TENSORRT_ROWS],
    }[section]


def small_case() -> tuple[nn.Module, Tensor, Tensor]:
    """Return a network with every kind of convolution, pixels [8,3,8,16,16] and labels [8]."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv3d(3, 16, 3, stride=(1, 2, 2), padding=1, bias=False),
        nn.BatchNorm3d(16),
        nn.ReLU(),
        nn.Conv3d(16, 16, 3, padding=1, groups=16, bias=False),
        nn.Conv3d(16, 32, 1, bias=False),
        nn.BatchNorm3d(32),
        nn.ReLU(),
        nn.Conv3d(32, 32, (3, 1, 1), stride=(2, 1, 1), padding=(1, 0, 0)),
        nn.MaxPool3d(2),
        nn.AdaptiveAvgPool3d(1),
        nn.Flatten(),
        nn.Linear(32, 5),
    )
    generator = torch.Generator().manual_seed(1)
    clips = torch.randn(8, 3, 8, 16, 16, generator=generator)
    return network, clips, torch.arange(8) % 5


def _runtimes(bench: Bench, rows: Mapping[str, tuple[str, str, str]]) -> None:
    networks = _networks(bench)
    pixels = _pixels(bench)
    folder = Path(bench.stack.enter_context(tempfile.TemporaryDirectory()))
    calls: dict[str, Callable[[], object]] = {}

    def reference(row: Row) -> None:
        calls[row.name] = forward_call(networks["dense"], INFERENCE_WAYS[0], pixels, bench)
        calls[row.name]()

    def enter(network: str, provider: str, precision: str, row: Row) -> None:
        bench.need_gpu(provider)
        made = quantized_there(networks[network], bench) if precision == "int8" else None
        path = _exported(made or networks[network], folder / f"{row.name}.onnx", precision, bench)
        half = precision == "f16" and provider == "cuda"
        asked = "auto" if precision == "int8" else precision
        with bench.memory_of_others(row):
            session = open_session(
                half_precision(path, path.with_suffix(".f16.onnx")) if half else path,
                provider=provider,
                threads=0,
                precision=asked,
            )
            found = torch.from_numpy(session.run(pixels.numpy()))
        row.error = relative_error(found, _answer(made or networks[network], pixels))
        row.limit = TOLERANCES.get(precision)
        row.note = session.runtime
        calls[row.name] = functools.partial(session.run, np.asarray(pixels))

    bench.attempt(REFERENCE, reference)
    for name, asked in rows.items():
        bench.attempt(name, functools.partial(enter, *asked))
    bench.time(calls)


def quantized_there(pixels_to_logits: nn.Module, bench: Bench) -> nn.Module:
    """Return a copy of a classifier that is quantized to TensorRT's int8 after training."""
    network = pixels_to_logits.get_submodule("network")
    made = quantized(network, target="tensorrt", clip_shape=bench.size.clip)
    return classifier(made)


def _exported(network: nn.Module, path: Path, precision: str, bench: Bench) -> Path:
    target = {FILE_KEY: {"quant_target": "tensorrt"}} if precision == "int8" else {}
    return export_onnx(network, path, clip_shape=bench.size.clip, opset=20, metadata=target)


@torch.inference_mode()
def _answer(network: nn.Module, pixels: Tensor) -> Tensor:
    logits: Tensor = network.cpu().eval()(pixels)
    return logits


def _networks(bench: Bench) -> dict[str, nn.Module]:
    dense = _resnet(bench).eval()
    half = halved(dense, clip_shape=bench.size.clip)
    return {"dense": classifier(dense), "half": classifier(half)}


def _resnet(bench: Bench) -> nn.Module:
    torch.manual_seed(0)
    _, frames, size, _ = bench.size.clip
    return build_model(
        "resnet",
        n_classes=N_CLASSES,
        model_depth=bench.size.depth,
        width_mult=bench.size.width,
        sample_size=size,
        sample_duration=frames,
    )


def _batch(bench: Bench, n_clips: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    clips = torch.randint(
        0, 256, (n_clips, *bench.size.clip), dtype=torch.uint8, generator=generator
    )
    return clips.to(bench.device), (torch.arange(n_clips) % N_CLASSES).to(bench.device)


def _pixels(bench: Bench) -> Tensor:
    clips, _ = _batch(bench, min(bench.size.batch, _INFERENCE_BATCH))
    return clips.float().cpu()
