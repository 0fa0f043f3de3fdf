"""Latency of a network as `export` would write it, before there is anything to export."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path

import torch
from torch import Tensor, nn

from vcc.compression.engine.builder import file_config
from vcc.compression.schedule.edits import only_quantizers
from vcc.compression.schedule.schedule import Schedule
from vcc.config.export import ExportOptions
from vcc.data.machine import usable_cores
from vcc.export.benchmark import Latency, measure_latency
from vcc.export.onnx_file import FILE_KEY, export_onnx
from vcc.export.runtimes.catalog import choose_provider, open_session
from vcc.models.modes import evaluating
from vcc.models.quantized.plan import activation_quantizers, read_plan
from vcc.pipeline.card import Network

_RUNS, _WARMUP = 30, 3


def measure_exported(network: Network, provider: str) -> Latency:
    """Export a network to a scratch file and time it, a clip per run, on all cores.

    Args:
        network: what to time; it stays as it is.
        provider: as `export` takes it.

    Raises:
        ExportError: it cannot be exported or run there.
    """
    return export_and_time(network, provider)[0]


def export_and_time(network: Network, provider: str) -> tuple[Latency, int]:
    """Export a network to a scratch file; return its times and its size in bytes.

    See `measure_exported`.
    """
    shape = network.card.clip_shape
    plan = read_plan(network.model)
    with tempfile.TemporaryDirectory() as folder:
        path = export_onnx(
            network.classifier(),
            Path(folder) / "target.onnx",
            clip_shape=shape,
            opset=ExportOptions().opset,
            metadata={FILE_KEY: {"quant_target": plan.target if plan else None}},
        )
        chosen = choose_provider(provider, [path])
        session = open_session(path, provider=chosen, threads=usable_cores())
        times = measure_latency({"it": session}, {"it": shape}, batch=1, runs=_RUNS, warmup=_WARMUP)
        size = path.stat().st_size
    return times["it"], size


def quantized_on_noise(
    model: nn.Module, shape: tuple[int, int, int, int], schedule: Schedule
) -> nn.Module:
    """Return a copy of a network, quantized where and how a schedule will quantize it.

    Ranges are those of noise, since the speed of integers does not depend on their values. What a
    guard will take back to float is not known yet: it is quantized here. Without a quantizer in
    the schedule, or quantized already, the network itself is returned.

    Args:
        model: the network, which stays as it is.
        shape: of its clips, (3, T, H, W).
        schedule: whose quantizers count, with their overrides.

    Raises:
        ScheduleError: a quantizer does not fit the network.
    """
    quantizing = only_quantizers(schedule)
    if not quantizing.policies or read_plan(model) is not None:
        return model
    model = copy.deepcopy(model)
    noise: Tensor = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))
    scheduler = file_config(
        model, None, quantizing, example_input=noise[:1], calibration=lambda: [noise]
    )
    scheduler.begin_seam(0)
    with evaluating(model), torch.no_grad():
        # Ranges that follow training pass everything on in float until they have seen something.
        for quantizer in activation_quantizers(model).values():
            quantizer.train()
        model(noise)
    return model
