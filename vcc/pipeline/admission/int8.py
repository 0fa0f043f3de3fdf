"""Whether a network's 8-bit file can be written: tried on a copy before anything is trained."""

from __future__ import annotations

import copy
import dataclasses
import tempfile
from collections.abc import Iterable
from pathlib import Path

import torch

from vcc.compression.policies.base import Policy
from vcc.compression.policies.quantization import QuantizationPolicy
from vcc.compression.quantization.insertion import calibrate, insert_quantizers
from vcc.compression.quantization.overrides import Bits
from vcc.compression.quantization.settings import QuantizerSettings
from vcc.config.networks.builders import is_builder
from vcc.errors import ModelError, one_line
from vcc.export.onnx_file import export_onnx
from vcc.models.network import VideoNetwork
from vcc.models.pixels import PixelClassifier
from vcc.models.spec import arch_name
from vcc.pipeline.admission.checks import OPSET, random_clips

# Tried where no schedule says more.
INT8_SETTINGS = QuantizerSettings(
    class_name="QuantAwareTrainRangeLinearQuantizer", bits=Bits(activations=8, weights=8, bias=None)
)


def refuse_unexportable(network: VideoNetwork, policies: Iterable[Policy]) -> None:
    """Write the 8-bit file that a schedule leads to, with weights as they are, and drop it.

    A network of a family needs none of this: its tests are here.

    Args:
        network: on the CPU, before the schedule acts.
        policies: of the schedule.

    Raises:
        ModelError: it cannot be quantized so, or its file cannot be written.
    """
    if not is_builder(network.spec.family):
        return
    for policy in policies:
        if isinstance(policy, QuantizationPolicy):
            try:
                write_int8(network, policy.settings)
            except Exception as error:  # whatever a network raises
                msg = (
                    f"{arch_name(network.spec)} cannot be exported in 8 bits, so nothing is "
                    f"trained: {one_line(error, at_most=300)}: leave the layer in float "
                    "(overrides), or take a schedule without quantizers"
                )
                raise ModelError(msg) from error


def write_int8(network: VideoNetwork, settings: QuantizerSettings) -> None:
    """Quantize a copy, give it ranges of random clips, and write its file to where it is deleted.

    Raises:
        ScheduleError: an operation that random clips do not reach.
        ExportError: the file cannot be written, or would not be run in integers.
    """
    twin, clips = copy.deepcopy(network), random_clips(network, 2)
    insert_quantizers(twin, settings, clips[:1])
    if settings.method.is_calibrated:
        given = {**settings.options, "model_activation_stats": None}
        calibrate(twin, dataclasses.replace(settings, options=given), lambda: [clips])
    else:
        with torch.no_grad():
            twin.train()(clips)
    classifier = PixelClassifier(twin, mean=(127.5,) * 3, std=(64.0,) * 3).eval()
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        path = Path(folder) / "network.onnx"
        export_onnx(classifier, path, clip_shape=network.spec.clip_shape, opset=OPSET, metadata={})
