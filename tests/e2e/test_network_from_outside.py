"""A network family of another package is trained, compressed and exported like vcc's own."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from commands import run_command
from strangers import write_package

from vcc.config.data import PrepareOptions
from vcc.data.prepare.run import prepare

ROOT = Path(__file__).resolve().parents[2]

FAMILY = """
from dataclasses import dataclass

from torch import nn

from vcc.config.networks.family import FAMILIES, family_option
from vcc.models.families.base import Family
from vcc.models.network import VideoNetwork, init_weights, pool_features


class PlainNet(VideoNetwork):
    head_name = "fc"

    def __init__(self, spec, *, n_blocks, width_mult, dropout):
        super().__init__(spec)
        width = int(16 * width_mult)
        layers = []
        for index in range(n_blocks):
            conv = nn.Conv3d(width if index else 3, width, 3, stride=2, padding=1, bias=False)
            layers += [conv, nn.BatchNorm3d(width), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.fc = nn.Linear(width, spec.n_classes)
        init_weights(self)

    def forward(self, clips):
        return self.fc(pool_features(self.body(clips)))


@FAMILIES.register("plain")
@dataclass(frozen=True, kw_only=True)
class Plain(Family):
    n_blocks: int = family_option(3, "blocks, each halving the clip", at_least=1, at_most=4)

    @classmethod
    def network(cls):
        return PlainNet
"""

SCHEDULE = """
version: 1
pruners:
  filters: {class: L1RankedStructureParameterPruner, group_type: Filters, desired_sparsity: 0.5,
            weights: [body.0.weight]}
extensions:
  thinning: {class: FilterRemover, thinning_func_str: remove_filters, arch: plain, dataset: tiny}
policies:
  - {pruner: {instance_name: filters}, epochs: [0]}
  - {extension: {instance_name: thinning}, epochs: [0]}
"""

# In one process, which imports for seconds.
STEPS = """
import json, runpy, sys
for name, words in json.loads(sys.argv[1]).items():
    sys.argv = [name, *words]
    runpy.run_module(f"entrypoints.{name}", run_name="__main__")
"""


def test_it_is_trained_compressed_and_exported(tmp_path: Path) -> None:
    outside, work = tmp_path / "site", tmp_path / "work"
    outside.mkdir()
    work.mkdir()
    write_package(outside, "vcc.networks", FAMILY)
    (work / "half.yaml").write_text(SCHEDULE)
    prepare(
        PrepareOptions(
            root_path=work / "data",
            dataset="tiny",
            motion_classes=2,
            motion_clips=1,
            motion_frames=6,
            motion_width=40,
            motion_height=32,
            short_side=16,
            n_jobs=1,
        )
    )
    which = ["--model=plain", "--n_blocks=2"]
    clips = ["--sample_size=16", "--sample_duration=4", "--n_threads=0"]
    steps = {
        "train": [*which, *clips, "--n_epochs=1", "--batch_size=32"],
        "compress": [*which, "--schedule=half.yaml", "--n_epochs=1", "--n_threads=0"],
        "export": [
            *which,
            "--alias=challenger",
            "--latency_runs=5",
            "--latency_table=false",
            "--parity_videos=1",
            "--n_threads=0",
        ],
    }
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(outside))),
        "MLFLOW_TRACKING_URI": f"sqlite:///{work / 'mlflow.db'}",
    }
    done = run_command([sys.executable, "-c", STEPS, json.dumps(steps)], cwd=work, env=environment)
    assert done.returncode == 0, done.stderr
    # An option that no family of vcc has is part of the name, which finds the network again.
    assert "vcc-plain-n_blocks2-tiny" in done.stdout + done.stderr
    assert list((work / "exported").glob("**/*.onnx"))
    assert "thinn" in done.stdout + done.stderr
