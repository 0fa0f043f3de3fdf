"""A model repository for Triton Inference Server: clips in, logits out, batched as they come."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from vcc.config.export import BUNDLES
from vcc.export.bundles.base import LABELS_FILE, Bundle, write_facts, write_labels
from vcc.export.bundles.containers import (
    COMPOSE_FILE,
    KSERVE_FILE,
    compose_of_triton,
    kserve_of_triton,
)

if TYPE_CHECKING:
    from vcc.export.served_facts import ServedFacts

_LARGEST_BATCH = 8
# What the first clip of a batch waits for others.
_DELAY_US = 2000


@BUNDLES.register("triton")
class TritonBundle(Bundle):
    """`NETWORK/config.pbtxt`, labels, `1/model.onnx`, and two files that say how it is served."""

    title = "a model repository for Triton Inference Server (backend onnxruntime)"
    usage = (
        "`tritonserver --model-repository=FOLDER`, with this folder. The input `pixels` takes "
        "clips, float32 0..255 in RGB; the output `logits` has labels. `bundle.json` says how a "
        "video becomes clips: a video's scores are the mean of its clips' softmax. `compose.yaml` "
        "starts a server on this machine, `kserve.yaml` describes one in KServe. The folder was "
        "not tried in a Triton server."
    )

    def write(self, file: Path, facts: ServedFacts, folder: Path) -> None:
        """Write the bundle's files into an empty folder."""
        name = _name(facts)
        (folder / name / "1").mkdir(parents=True)
        config = folder / name / "config.pbtxt"
        config.write_text(_config(name, facts), encoding="utf-8")
        write_labels(facts, folder / name)
        write_facts(facts, folder)
        (folder / COMPOSE_FILE).write_text(compose_of_triton(), encoding="utf-8")
        (folder / KSERVE_FILE).write_text(kserve_of_triton(name), encoding="utf-8")
        shutil.copyfile(file, folder / name / "1" / "model.onnx")


def _name(facts: ServedFacts) -> str:
    """Return the network's name in characters that every file system takes."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", str(facts.metadata.get("arch", ""))) or "network"


def _config(name: str, facts: ServedFacts) -> str:
    clip = facts.clip
    shape = [3, clip.sample_duration, clip.sample_size, clip.sample_size]
    return f"""\
name: {json.dumps(name)}
backend: "onnxruntime"
max_batch_size: {_LARGEST_BATCH}
input [
  {{ name: "pixels" data_type: TYPE_FP32 dims: {shape} }}
]
output [
  {{
    name: "logits" data_type: TYPE_FP32 dims: [{len(facts.labels)}]
    label_filename: "{LABELS_FILE}"
  }}
]
dynamic_batching {{ max_queue_delay_microseconds: {_DELAY_US} }}
instance_group [
  {{ count: 1 kind: KIND_AUTO }}
]
"""
