"""One check each: what of the project a network goes through, tried on a copy of it.

A check returns words for the table. What a network must be able to do raises an error instead; what
it merely cannot be made smaller by is said.
"""

from __future__ import annotations

import copy
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from vcc.errors import ExportError, ModelError, one_line
from vcc.export.onnx_file import export_onnx
from vcc.export.parity import check_parity
from vcc.export.runtimes.catalog import open_session
from vcc.models.builders.head import run_checked
from vcc.models.checkpoint import load_checkpoint, save_checkpoint
from vcc.models.network import VideoNetwork
from vcc.models.pixels import PixelClassifier
from vcc.models.summary import count_macs, count_parameters

OPSET = 18


@dataclass(frozen=True)
class _Batch:
    """Pixels as a loader gives them: uint8 [N,3,T,H,W]."""

    clips: Tensor


def shaken(network: VideoNetwork) -> VideoNetwork:
    """Return a copy in evaluation mode whose BatchNorms do something, as trained ones do."""
    twin = copy.deepcopy(network).eval()
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for module in twin.modules():
            if not isinstance(module, _BatchNorm):
                continue
            if module.running_mean is not None and module.running_var is not None:
                module.running_mean.normal_(0, 0.1, generator=draw)
                module.running_var.uniform_(0.5, 1.5, generator=draw)
            if module.affine:
                module.weight.uniform_(0.5, 1.5, generator=draw)
                module.bias.normal_(0, 0.1, generator=draw)
    return twin


def check_forward(network: VideoNetwork) -> str:
    """Run two clips together and one alone.

    Raises:
        ModelError: it does not run, or a clip's logits depend on the clip beside it.
    """
    clips = random_clips(network, 2)
    n_classes = network.spec.n_classes
    both, alone = (run_checked(network, each, n_classes) for each in (clips, clips[:1]))
    if not both.isfinite().all():
        msg = "its logits are not finite with fresh weights"
        raise ModelError(msg)
    if not equal(both[:1], alone):
        msg = "the logits of a clip depend on the clips beside it, in evaluation mode"
        raise ModelError(msg)
    shape = "x".join(map(str, clips.shape[1:]))
    return f"clips {shape} to {n_classes} logits, by ones and by twos"


def check_size(network: VideoNetwork) -> str:
    """Count parameters and multiply-accumulates.

    Raises:
        ModelError: the network does not run without data.
    """
    try:
        macs = count_macs(network)
    except Exception as error:  # whatever a network raises
        msg = (
            f"its operations cannot be counted ({one_line(error, at_most=300)}): tensors that "
            "belong to no layer must be buffers (register_buffer)"
        )
        raise ModelError(msg) from error
    return f"{count_parameters(network) / 1e6:.2f} M parameters, {macs / 1e9:.3f} GMACs"


def check_rebuilt(network: VideoNetwork) -> str:
    """Save it, build it anew and compare.

    Raises:
        ModelError: a checkpoint of it is not the network.
    """
    clips = random_clips(network, 1)
    with tempfile.TemporaryDirectory() as folder:
        loaded = load_checkpoint(save_checkpoint(Path(folder) / "saved", network, {})).model
    expected, found = (run_checked(each, clips, each.spec.n_classes) for each in (network, loaded))
    if not torch.equal(expected, found):
        msg = (
            "rebuilt from its checkpoint it computes something else: numbers that a network draws "
            "when it is made must be parameters or persistent buffers"
        )
        raise ModelError(msg)
    return "equal"


def check_exported(network: VideoNetwork) -> str:
    """Write it as an ONNX file and compare that on ONNX Runtime's CPU provider.

    Raises:
        ModelError: it cannot be exported, or the file computes something else.
    """
    classifier = PixelClassifier(network, mean=(127.5,) * 3, std=(64.0,) * 3).eval()
    draw = torch.Generator().manual_seed(0)
    shape = (2, *network.spec.clip_shape)
    pixels = torch.randint(0, 256, shape, dtype=torch.uint8, generator=draw)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        path = Path(folder) / "network.onnx"
        try:
            export_onnx(
                classifier, path, clip_shape=network.spec.clip_shape, opset=OPSET, metadata={}
            )
            session = open_session(path, provider="cpu", threads=1)
            parity = check_parity(classifier, session, [_Batch(pixels)])
        except ExportError as error:
            raise ModelError(one_line(error, at_most=300)) from error
    return f"logits differ by {parity.max_difference:.1e} of {parity.scale:.1e}"


def random_clips(network: VideoNetwork, count: int) -> Tensor:
    """Return normal random clips [count,3,T,H,W] of the network's size, the same each time."""
    draw = torch.Generator().manual_seed(1)
    return torch.randn(count, *network.spec.clip_shape, generator=draw)


def equal(before: Tensor, after: Tensor) -> bool:
    reach = float(before.abs().max())
    return torch.allclose(before, after, rtol=0, atol=1e-3 * max(reach, 1e-6))
