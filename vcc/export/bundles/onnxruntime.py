"""The ONNX file in a folder with a short script that ONNX Runtime alone runs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from vcc.config.export import BUNDLES
from vcc.export.bundles.base import Bundle, write_labels, write_script

if TYPE_CHECKING:
    from vcc.export.served_facts import ServedFacts


@BUNDLES.register("onnxruntime")
class OnnxRuntimeBundle(Bundle):
    """`model.onnx`, `labels.txt`, `infer.py` and `compose.yaml`."""

    title = "an ONNX file for ONNX Runtime"
    usage = (
        "`pip install numpy av onnxruntime`, then `python infer.py VIDEO ...`. It runs on the CPU. "
        "`compose.yaml` does the same in a container."
    )

    def write(self, file: Path, facts: ServedFacts, folder: Path) -> None:
        """Write the bundle's files into an empty folder."""
        write_script(
            facts,
            folder,
            package="onnxruntime",
            load=(
                'MODEL = onnxruntime.InferenceSession(HERE / "model.onnx", '
                'providers=["CPUExecutionProvider"])'
            ),
            run='MODEL.run(None, {"pixels": pixels})[0]',
        )
        write_labels(facts, folder)
        shutil.copyfile(file, folder / "model.onnx")
