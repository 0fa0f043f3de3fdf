"""Writes a classifier of pixels as one ONNX file that carries its own preprocessing and provenance.

The graph takes RGB pixels 0..255 as float32 [N,3,T,H,W] with dynamic N and returns logits [N,C].
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx

from vcc.config.overflow import FAST, SAFE
from vcc.errors import ExportError, one_line
from vcc.export.graph_passes import (
    check_quantized,
    has_signed_activations,
    is_quantized,
    overflow_of,
    tidy,
)

if TYPE_CHECKING:
    from torch import nn

INPUT_NAME = "pixels"
OUTPUT_NAME = "logits"
# Key of the metadata that holds what is known about the file itself.
FILE_KEY = "file"


@dataclass(frozen=True, kw_only=True)
class FileFacts:
    """What a file says about how it can be run.

    Attributes:
        quantized: whether it computes on integers.
        quant_target: the runtime its integers are made for; None where it does not say.
        overflow: safe where it says so and its weights are, else fast; None for a float file.
        signed: whether its layers read integers around zero.
    """

    quantized: bool = False
    quant_target: str | None = None
    overflow: str | None = None
    signed: bool = False


def export_onnx(
    classifier: nn.Module,
    path: Path,
    *,
    clip_shape: tuple[int, int, int, int],
    opset: int,
    metadata: Mapping[str, Any],
) -> Path:
    """Write `classifier` to `path`, checked and complete, or leave nothing there.

    Args:
        classifier: maps pixels [N,3,T,H,W] to logits [N,C].
        path: the file to write; its folder exists.
        clip_shape: (3, T, H, W).
        opset: ONNX operator set.
        metadata: JSON values (classes, protocol, provenance) stored in the file; a quantized one
            is told of its `overflow` as well.

    Raises:
        ExportError: the exporter or ONNX's checker refuses the graph, or the disk is full.
    """
    import torch  # here: a process that only opens files must not carry its memory

    from vcc.models.modes import evaluating

    partial = path.with_suffix(".partial")
    try:
        with evaluating(classifier):
            _run_exporter(classifier, partial, clip_shape=clip_shape, opset=opset)
        model = onnx.load(str(partial))
        tidy(model)
        check_quantized(model, name=path.name)
        onnx.helper.set_model_props(model, _as_properties(_with_overflow(metadata, model)))
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, str(partial))
        partial.replace(path)
    except onnx.checker.ValidationError as error:
        msg = f"{path.name}: ONNX's checker refuses the exported graph: {error}"
        raise ExportError(msg) from error
    except torch.onnx.errors.OnnxExporterError as error:
        msg = f"{path.name}: the network cannot be exported at opset {opset}: {error}"
        raise ExportError(msg) from error
    except OSError as error:
        msg = f"{path}: cannot be written ({error.strerror}): make room, or choose another folder"
        raise ExportError(msg) from error
    finally:
        partial.unlink(missing_ok=True)
    return path


def load_graph(path: Path) -> onnx.ModelProto:
    """Return the graph of a file that `export_onnx` wrote."""
    return onnx.load(str(path))


def read_metadata(path: Path) -> dict[str, Any]:
    """Return the metadata that `export_onnx` stored.

    Raises:
        ExportError: the file is not an ONNX model of this project.
    """
    try:
        model = onnx.load(str(path), load_external_data=False)
        return {prop.key: json.loads(prop.value) for prop in model.metadata_props}
    except FileNotFoundError:
        msg = f"{path}: no such file"
        raise ExportError(msg) from None
    except Exception as error:
        # Protobuf and JSON each raise types of their own on a damaged file.
        reason = one_line(error, at_most=300)
        msg = f"{path}: not an ONNX model written by this project: {reason}"
        raise ExportError(msg) from error


def check_classes(path: Path, labels: Sequence[str], *, where: str) -> None:
    """Refuse a file that knows other classes, or the same in another order.

    Args:
        path: a file that `export_onnx` wrote.
        labels: class names, in the order of the logits.
        where: whose they are, for the message.

    Raises:
        ExportError: its classes are others.
    """
    own = [str(label) for label in read_metadata(path).get("labels", ())]
    if own == list(labels):
        return
    place = next((i for i, (a, b) in enumerate(zip(own, labels, strict=False)) if a != b), None)
    what = (
        f"{len(own)} classes, not {len(labels)}"
        if place is None
        else f"{own[place]!r} at place {place + 1}, not {labels[place]!r}"
    )
    msg = f"{path.name}: has {what} as in {where}: take a file that was exported for its classes"
    raise ExportError(msg)


def inspect_file(path: Path) -> FileFacts:
    """Return what is known about a file; nothing about one that is none of ours.

    A file that cannot be read is left to the runtime, whose message says more. One whose weights
    are damaged counts as fast: nobody has seen them.
    """
    try:
        model = onnx.load(str(path), load_external_data=False)
        properties = {prop.key: prop.value for prop in model.metadata_props}
        record = json.loads(properties.get(FILE_KEY, "{}"))
        record = record if isinstance(record, dict) else {}
    except Exception:
        # Protobuf and JSON each raise types of their own on a damaged file.
        return FileFacts()
    target = record.get("quant_target")
    if not is_quantized(model):
        return FileFacts(quant_target=target)
    # Its word is not enough: the weights are here to be looked at.
    safe = record.get("overflow") == SAFE and _is_safe(model)
    return FileFacts(
        quantized=True,
        quant_target=target,
        overflow=SAFE if safe else FAST,
        signed=has_signed_activations(model),
    )


def _is_safe(model: onnx.ModelProto) -> bool:
    try:
        return overflow_of(model) == SAFE
    except (ValueError, TypeError):
        # A tensor with fewer or more bytes than its shape says.
        return False


def half_precision(path: Path, destination: Path) -> Path:
    """Write a float file with its weights and layers in float16; input and output stay float32.

    Raises:
        ExportError: the file is quantized.
    """
    from onnxruntime.transformers.float16 import convert_float_to_float16
    from onnxruntime.transformers.onnx_model import OnnxModel

    model = onnx.load(str(path))
    if is_quantized(model):
        msg = f"{path.name}: is quantized: f16 is for float networks"
        raise ExportError(msg)
    converted = convert_float_to_float16(model, keep_io_types=True)
    # It appends its casts behind the nodes that read them, which ONNX's checker refuses.
    OnnxModel(converted).topological_sort()
    onnx.checker.check_model(converted)
    onnx.save(converted, str(destination))
    return destination


def _run_exporter(
    classifier: nn.Module, path: Path, *, clip_shape: tuple[int, int, int, int], opset: int
) -> None:
    import torch

    # A batch of one would be taken for a constant: two keeps N dynamic.
    example = torch.zeros(2, *clip_shape, device=next(classifier.parameters()).device)
    with _quiet("torch.onnx"), _quiet("torch.__trace"), warnings.catch_warnings():
        warnings.simplefilter("ignore", category=DeprecationWarning)
        warnings.simplefilter("ignore", category=FutureWarning)
        torch.onnx.export(
            classifier,
            (example,),
            str(path),
            input_names=[INPUT_NAME],
            output_names=[OUTPUT_NAME],
            dynamic_shapes=({0: torch.export.Dim("clips", min=1, max=4096)},),
            opset_version=opset,
            dynamo=True,
            # One file: weights beside it get lost when it is copied.
            external_data=False,
            verbose=False,
        )


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    # One narrates, the other formats a record of every step for nobody.
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _with_overflow(metadata: Mapping[str, Any], model: onnx.ModelProto) -> Mapping[str, Any]:
    if not is_quantized(model):
        return metadata
    record = {**metadata.get(FILE_KEY, {}), "overflow": overflow_of(model)}
    return {**metadata, FILE_KEY: record}


def _as_properties(metadata: Mapping[str, Any]) -> dict[str, str]:
    return {key: json.dumps(value) for key, value in metadata.items()}
