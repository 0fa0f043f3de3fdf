"""The guard of post-training quantization: its dev videos, its report."""

from __future__ import annotations

import functools

from torch import nn

from vcc.compression.engine.scheduler import CompressionScheduler
from vcc.compression.policies.quantization import QuantizationPolicy
from vcc.compression.quantization.guard import GuardReport
from vcc.compression.sensitivity.measured import EvalResult, Measure
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.card import Network
from vcc.pipeline.evaluate.dev_measure import DevMeasure
from vcc.tracking.runs import Run

# each layer is measured once where the budget is missed: a draw has to do
_VIDEOS = 100


def guard_measure(
    network: Network, dataset: PreparedDataset, *, no_cuda: bool, n_threads: int, seed: int
) -> Measure:
    """Return what measures a network on a draw of dev videos, which are read when it is needed."""

    @functools.cache
    def on_dev() -> DevMeasure:
        return DevMeasure(
            network, dataset, n_videos=_VIDEOS, seed=seed, no_cuda=no_cuda, n_threads=n_threads
        )

    def measure(model: nn.Module) -> EvalResult:
        found = on_dev()(model)
        # The seams' own work is done on the CPU.
        model.cpu()
        return found

    return measure


def log_guards(scheduler: CompressionScheduler, run: Run) -> None:
    """Record what the guards of a schedule did: figures, a row per layer, and the layers' names."""
    for policy in scheduler.policies:
        if isinstance(policy, QuantizationPolicy) and policy.guarded is not None:
            _log(policy.guarded, run)


def _log(report: GuardReport, run: Run) -> None:
    run.log_metrics(
        {
            "ptq_loss_float": report.float_network.loss,
            "ptq_loss_quantized": report.quantized.loss,
            "ptq_loss_guarded": report.guarded.loss,
            "ptq_top1_float": report.float_network.top1,
            "ptq_top1_guarded": report.guarded.top1,
            "ptq_layers_float": len(report.returned),
        }
    )
    run.log_text(report.sentence() + "\n", "ptq_guard.txt")
    if report.loss_increase:
        run.log_text(report.as_csv(), "ptq_guard.csv")
    run.set_tags({"ptq_float": ", ".join(report.returned) or "none"})
