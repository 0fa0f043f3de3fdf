"""The network as OpenVINO's own files, with a short script that OpenVINO alone runs."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from vcc.config.export import BUNDLES
from vcc.errors import ExportError
from vcc.export.bundles.base import Bundle, write_labels, write_script

if TYPE_CHECKING:
    from vcc.export.served_facts import ServedFacts


@BUNDLES.register("openvino")
class OpenVinoBundle(Bundle):
    """`model.xml` and `model.bin`, `labels.txt` and `infer.py`; integers stay integers."""

    title = "an OpenVINO IR"
    usage = (
        "`pip install numpy av openvino`, then `python infer.py VIDEO ...`. It runs on the CPU and "
        "computes what is not int8 in float32. `compose.yaml` does the same in a container."
    )

    def write(self, file: Path, facts: ServedFacts, folder: Path) -> None:
        """Write the bundle's files into an empty folder."""
        if importlib.util.find_spec("openvino") is None:
            msg = "bundle openvino: not installed: pip install openvino"
            raise ExportError(msg)
        from vcc.export.runtimes.openvino import write_ir

        write_script(
            facts,
            folder,
            package="openvino",
            # By itself it takes bfloat16 where the processor has it.
            load=(
                'MODEL = openvino.Core().compile_model(HERE / "model.xml", "CPU", '
                '{"INFERENCE_PRECISION_HINT": "f32"})'
            ),
            run="MODEL(pixels)[0]",
        )
        write_labels(facts, folder)
        write_ir(file, folder / "model.xml")
