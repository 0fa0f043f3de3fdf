"""A network family of another package is trained, compressed and exported like vcc's own."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from one_process import run_entry_points
from strangers import write_package

from vcc.config.data import PrepareOptions
from vcc.data.prepare.run import prepare

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
distillers:
  # Options of a family from outside are known here, too: this finds the baseline.
  kd: {class: KnowledgeDistillation, teacher: {model: plain, n_blocks: 2}}
extensions:
  thinning: {class: FilterRemover, thinning_func_str: remove_filters, arch: plain, dataset: tiny}
policies:
  - {pruner: {instance_name: filters}, epochs: [0]}
  - {extension: {instance_name: thinning}, epochs: [0]}
  - {distiller: {instance_name: kd}, epochs: [0]}
"""


@pytest.mark.slow
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
    uri = f"sqlite:///{work / 'mlflow.db'}"
    done = run_entry_points(steps, folder=work, tracking_uri=uri, site=outside)
    printed = done.stdout
    assert done.returncode == 0, printed
    # An option that no family of vcc has is part of the name, which finds the network again.
    assert "vcc-plain-n_blocks2-tiny" in printed
    assert "teacher: plain-n_blocks2, clips 4x16x16" in printed
    (file,) = (work / "exported").glob("**/*.onnx")
    filters = {each.name: tuple(each.dims) for each in onnx.load(str(file)).graph.initializer}
    assert (8, 3, 3, 3, 3) in filters.values(), filters
