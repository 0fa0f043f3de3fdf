"""Several processes train as one does, and who started them is understood."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import lightning.pytorch.plugins.layer_sync as layer_sync
import pytest
import torch
from commands import run_command
from killing import ROOT
from safetensors.torch import load_file
from torch import nn
from training_rank import train_without_norms
from training_runs import tiny_dataset

from vcc.config.training import TrainingOptions
from vcc.errors import ConfigError
from vcc.training.processes import (
    is_first_process,
    process_grid,
    require_one_process,
    restore_batchnorms,
    trainer_settings,
)

TORCHRUN = {"TORCHELASTIC_RUN_ID": "1", "LOCAL_WORLD_SIZE": "4", "WORLD_SIZE": "8"}


@pytest.mark.slow
def test_two_processes_train_as_one_does(tmp_path: Path) -> None:
    dataset = tiny_dataset(tmp_path)
    alone, run = train_without_norms(dataset, batch_size=4)
    path = os.pathsep.join(str(ROOT / each) for each in ("", "tests", "tests/support"))
    script = ROOT / "tests" / "support" / "training_rank.py"
    done = run_command(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", str(script), str(dataset.root), str(tmp_path)),
        ],
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    together = load_file(tmp_path / "weights.safetensors")
    for name, tensor in alone.model.state_dict().items():
        torch.testing.assert_close(together[name], tensor, rtol=1e-4, atol=1e-6)
    # It did learn something, so that wrong gradients would show.
    assert abs(run.figures[0]["dev_loss"] - run.figures[1]["dev_loss"]) > 0.02
    figures = json.loads((tmp_path / "figures.json").read_text())
    for epoch, expected in run.figures.items():
        assert figures[str(epoch)] == pytest.approx(expected, rel=1e-4)
    # The other process reports nothing.
    assert json.loads((tmp_path / "other.json").read_text()) == {}


@pytest.mark.parametrize(
    ("environment", "first"),
    [
        ({}, True),
        ({"RANK": "0", "LOCAL_RANK": "0"}, True),
        ({"RANK": "4", "LOCAL_RANK": "0"}, False),
        ({"LOCAL_RANK": "1"}, False),
        ({"NODE_RANK": "1"}, False),
        ({"SLURM_PROCID": "0"}, True),
        ({"SLURM_PROCID": "3"}, False),
    ],
)
def test_one_process_speaks(environment: dict[str, str], first: bool) -> None:
    assert is_first_process(environment) == first


def test_the_grid_is_the_launcher_s_or_the_options() -> None:
    assert process_grid(TrainingOptions(), {}) == (1, 1)
    assert process_grid(TrainingOptions(devices=2, num_nodes=3), {}) == (2, 3)
    assert process_grid(TrainingOptions(), TORCHRUN) == (4, 2)
    assert process_grid(TrainingOptions(devices=4, num_nodes=2), TORCHRUN) == (4, 2)
    with pytest.raises(ConfigError, match="devices: 2 asked for, but torchrun started 4"):
        process_grid(TrainingOptions(devices=2), TORCHRUN)
    slurm = {"SLURM_NTASKS": "8", "SLURM_NNODES": "2", "SLURM_PROCID": "1"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in slurm.items():
            patch.setenv(name, value)
        assert process_grid(TrainingOptions()) == (4, 2)


def test_the_pipeline_is_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    require_one_process(TrainingOptions())
    with pytest.raises(ConfigError, match="train in several with `-e train`"):
        require_one_process(TrainingOptions(devices=2))
    monkeypatch.setenv("LOCAL_RANK", "1")
    with pytest.raises(ConfigError, match="train in several with `-e train`"):
        require_one_process(TrainingOptions())


def test_statistics_are_joined_on_gpus_only() -> None:
    several = TrainingOptions(devices=2)
    assert trainer_settings(several, "gpu")["sync_batchnorm"] is True
    assert trainer_settings(several, "cpu")["sync_batchnorm"] is False
    assert trainer_settings(TrainingOptions(), "gpu")["sync_batchnorm"] is False
    assert trainer_settings(TrainingOptions(), "cpu")["strategy"] == "auto"


def test_batchnorms_are_their_own_class_after_training_together() -> None:
    model = nn.Sequential(nn.Conv3d(3, 4, 1), nn.BatchNorm3d(4, eps=1e-4, momentum=0.3))
    nn.init.uniform_(model[1].weight)
    nn.init.uniform_(model[1].running_var)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    weight = model[1].weight
    synced = layer_sync.TorchSyncBatchNorm()
    model = synced.revert(synced.apply(model))
    assert type(model[1]) is not nn.BatchNorm3d
    restore_batchnorms(model)
    norm = model[1]
    assert type(norm) is nn.BatchNorm3d
    assert (norm.eps, norm.momentum, norm.training) == (1e-4, 0.3, True)
    assert norm.weight is weight
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name])
