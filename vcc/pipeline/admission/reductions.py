"""Ways to make a network smaller, each tried on a copy of it: what it cannot have is said."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

from vcc.compression.channels.batchnorms import following_batchnorms
from vcc.compression.channels.dead import zero_filters_
from vcc.compression.channels.steps import UntraceableError
from vcc.compression.channels.trace import trace_channels
from vcc.compression.masks.apply import mask_parameters_
from vcc.compression.quantization.folding import fold_batchnorms_checked
from vcc.compression.quantization.insertion import insert_quantizers
from vcc.compression.thinning.remove import thin_
from vcc.errors import ModelError, one_line
from vcc.models.builders.head import run_checked
from vcc.models.network import VideoNetwork
from vcc.models.quantized.plan import float_layers
from vcc.pipeline.admission.checks import equal, random_clips
from vcc.pipeline.admission.int8 import INT8_SETTINGS, write_int8

_MOST_NAMES = 4


def check_folded(network: VideoNetwork) -> str:
    """Fold BatchNorms into layers; a fold that changes an output undoes itself."""
    twin = copy.deepcopy(network)
    norms = [name for name, module in twin.named_modules() if isinstance(module, _BatchNorm)]
    clips = random_clips(twin, 1)
    folded = fold_batchnorms_checked(twin, following_batchnorms(twin, clips), clips)
    left = [name for name in norms if name not in folded]
    return f"{len(folded)} of {len(norms)} BatchNorms{_listed('; they stay', left)}"


def check_thinned(network: VideoNetwork) -> str:
    """Mask half the filters of each convolution, remove them, and compare with the masked one.

    Raises:
        ModelError: the thinned network computes something else.
    """
    twin, clips = copy.deepcopy(network), random_clips(network, 1)
    masks = _half_masks(twin)
    try:
        zero_filters_(twin, masks, trace_channels(twin, clips))
    except UntraceableError as error:
        return f"the network stays whole: {one_line(error, at_most=300)}"
    mask_parameters_(twin, masks)
    before = run_checked(twin, clips, twin.spec.n_classes)
    report = thin_(twin, masks, clips)
    if report.obstacle:
        return f"the network stays whole: {report.obstacle}"
    if not equal(before, run_checked(twin, clips, twin.spec.n_classes)):
        msg = "thinned it computes something else than masked: please report this network"
        raise ModelError(msg)
    rows = [row for row in report.rows if row.asked]
    removed, asked = sum(row.removed for row in rows), sum(row.asked for row in rows)
    whole = [f"{row.layer} ({row.why})" for row in rows if not row.removed]
    return f"{removed} of {asked} filters removed{_listed('; whole', whole)}"


def check_quantized(network: VideoNetwork) -> str:
    """Insert 8-bit quantizers, say which layers stay in float, and write the file."""
    twin = copy.deepcopy(network)
    insert_quantizers(twin, INT8_SETTINGS, random_clips(twin, 1))
    layers = [name for name, each in twin.named_modules() if isinstance(each, _ConvNd | nn.Linear)]
    left = float_layers(twin)
    n_int8 = len(layers) - len(left)
    words = f"{n_int8} of {len(layers)} layers in int8{_listed('; in float', left)}"
    try:
        write_int8(network, INT8_SETTINGS)
    except Exception as error:  # noqa: BLE001 - whatever a network or its exporter raises
        return f"{words}; not to be exported so: {one_line(error, at_most=300)}"
    return words


def _half_masks(network: nn.Module) -> dict[str, Tensor]:
    """Return masks, 1 = keep, of every second filter of convolutions that are not transposed."""
    masks = {}
    for name, module in network.named_modules():
        is_plain = isinstance(module, _ConvNd) and "weight" in module._parameters
        if is_plain and not module.transposed and module.out_channels > 1:
            mask = torch.ones_like(module.weight, dtype=torch.bool)
            mask[1::2] = False
            masks[f"{name}.weight"] = mask
    return masks


def _listed(words: str, names: Sequence[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"{words}: {', '.join(names[:_MOST_NAMES])}{more}"
