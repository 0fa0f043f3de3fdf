"""The ways to compute in PyTorch that `benchmarks.gpu` tries: format, layout, compiled, DDP."""

from __future__ import annotations

import contextlib
import copy
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from benchmarks.gpu_rows import Bench
from vcc.config.training import TrainingOptions
from vcc.training.compilation import compile_network
from vcc.training.optimizers import make_optimizer
from vcc.training.precision.check import tolerance
from vcc.training.precision.settings import PrecisionVariant, lay_out

OPTIONS = TrainingOptions(train_precision="auto", learning_rate=0.001)
# 16 times the rounding of TF32's ten bits.
TF32_LIMIT = 16 * 2.0**-10
# A large one would overflow in the first steps, which are skipped then.
_FP16_SCALE = 1024.0


@dataclass(frozen=True, kw_only=True)
class Way:
    """How PyTorch computes.

    Attributes:
        name: as it is printed.
        variant: format and layout.
        tf32: whether float32 convolutions and products may round to TF32.
        compiled: by torch.compile.
        ddp: in DistributedDataParallel, alone.
    """

    name: str
    variant: PrecisionVariant
    tf32: bool = False
    compiled: bool = False
    ddp: bool = False

    @property
    def limit(self) -> float:
        """The largest relative error that rounding explains."""
        return TF32_LIMIT if self.tf32 else tolerance(self.variant)


_FP32, _BF16 = PrecisionVariant(), PrecisionVariant("bf16")
INFERENCE_WAYS = (
    Way(name="fp32", variant=_FP32),
    Way(name="fp32 in TF32", variant=_FP32, tf32=True),
    Way(name="fp32 channels last", variant=PrecisionVariant("fp32", channels_last=True)),
    Way(name="bf16", variant=_BF16),
    Way(name="bf16 channels last", variant=PrecisionVariant("bf16", channels_last=True)),
    Way(name="fp16", variant=PrecisionVariant("fp16")),
    Way(name="fp16 channels last", variant=PrecisionVariant("fp16", channels_last=True)),
    Way(name="bf16 compiled", variant=_BF16, compiled=True),
)
TRAINING_WAYS = (
    *INFERENCE_WAYS,
    Way(name="fp32 in DDP, one device", variant=_FP32, ddp=True),
)
# Of a small network; a large one takes a minute to compile.
GRADIENT_WAYS = (*TRAINING_WAYS, Way(name="fp32 compiled", variant=_FP32, compiled=True))


class Training:
    """Training steps of a copy of a network.

    Args:
        network: pixels [N,3,T,H,W] to logits [N,C].
        way: how it computes.
        clips: pixels on the device.
        labels: int64 [N], there too.
        bench: closes what DDP opens.
    """

    def __init__(
        self, network: nn.Module, way: Way, clips: Tensor, labels: Tensor, *, bench: Bench
    ) -> None:
        self._way, self._clips, self._labels = way, clips, labels
        self.network = placed_copy(network.train(), way, bench)
        self._optimizer = make_optimizer(self.network.parameters(), OPTIONS)
        self._scaler = torch.amp.GradScaler(
            clips.device.type, init_scale=_FP16_SCALE, enabled=way.variant.number == "fp16"
        )

    def backward(self) -> None:
        """Compute the gradients."""
        self._optimizer.zero_grad()
        with tf32(allowed=self._way.tf32):
            with self._way.variant.autocast(self._clips.device):
                logits = self.network(self._clips)
            loss = nn.functional.cross_entropy(logits.float(), self._labels)
            self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]

    def step(self) -> None:
        """Take a step."""
        self.backward()
        self._scaler.step(self._optimizer)
        self._scaler.update()

    def gradient(self) -> Tensor:
        """Return what `backward` computed, of all parameters as one vector, on the CPU."""
        scale = float(self._scaler.get_scale()) if self._scaler.is_enabled() else 1.0
        return flat_gradient(self.network).float() / scale


def check_way(bench: Bench, way: Way) -> None:
    """Refuse what the device cannot do.

    Raises:
        VccError: it needs a GPU.
    """
    if way.variant.number == "fp16":
        bench.need_gpu("float16 in PyTorch")
    if way.tf32:
        bench.need_gpu("TF32")


def placed_copy(network: nn.Module, way: Way, bench: Bench) -> nn.Module:
    """Return a copy on the device that computes in a way."""
    network = copy.deepcopy(network).to(bench.device)
    lay_out(network, way.variant.memory_format)
    if way.compiled:
        compile_network(network, bench.device)
    if way.ddp:
        bench.stack.enter_context(_alone(bench.device))
        if bench.device.type == "cuda":
            convert: Any = nn.SyncBatchNorm.convert_sync_batchnorm
            network = convert(network)
        network = DistributedDataParallel(network)
    return network


@contextlib.contextmanager
def _alone(device: torch.device) -> Iterator[None]:
    """Open a process group of this process only."""
    backend = "nccl" if device.type == "cuda" else "gloo"
    with tempfile.TemporaryDirectory() as folder:
        distributed.init_process_group(
            backend, init_method=f"file://{folder}/store", rank=0, world_size=1
        )
        try:
            yield
        finally:
            distributed.destroy_process_group()


@contextlib.contextmanager
def tf32(*, allowed: bool) -> Iterator[None]:
    """Let float32 round to TF32 meanwhile, or not; a CPU knows nothing of it."""
    backends: tuple[Any, ...] = (torch.backends.cudnn, torch.backends.cuda.matmul)
    before = [each.allow_tf32 for each in backends]
    try:
        for each in backends:
            each.allow_tf32 = allowed
        yield
    finally:
        for each, was in zip(backends, before, strict=True):
            each.allow_tf32 = was


def forward_call(
    network: nn.Module, way: Way, pixels: Tensor, bench: Bench
) -> Callable[[], Tensor]:
    """Return what takes pixels from the host and brings logits back, as a session does."""
    placed = placed_copy(network.eval(), way, bench)

    @torch.inference_mode()
    def call() -> Tensor:
        with tf32(allowed=way.tf32), way.variant.autocast(bench.device):
            logits: Tensor = placed(pixels.to(bench.device))
        return logits.float().cpu()

    return call


def flat_gradient(network: nn.Module) -> Tensor:
    """Return the gradients of all parameters as one vector, on the CPU."""
    found = [each.grad for each in network.parameters() if each.grad is not None]
    return torch.cat([each.detach().flatten() for each in found]).cpu()
