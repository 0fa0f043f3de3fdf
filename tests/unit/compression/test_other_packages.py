"""Parts that another package registers by entry points act in a schedule like those of vcc."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import toy_package
from commands import run_command

ROOT = Path(__file__).resolve().parents[3]
# Registries are read once in a process, so the package is there from its start.
SCRIPT = """
import json, torch, toy_package
from models_tiny import tiny_clip, tiny_network
from vcc.compression import file_config, load_schedule
import yaml

torch.manual_seed(0)
model, clip = tiny_network("resnet10a"), tiny_clip()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
schedule = load_schedule(yaml.safe_load(toy_package.SCHEDULE))
assert load_schedule(yaml.safe_load(schedule.to_yaml())) == schedule
scheduler = file_config(model, optimizer, schedule, example_input=clip)
before = model.fc.bias.detach().clone(), float((model.fc.weight - 1).abs().mean())
scheduler.begin_seam(0)
scheduler.on_epoch_begin(0)
for minibatch in range(3):
    scheduler.on_minibatch_begin(0, minibatch, 3)
    optimizer.zero_grad()
    loss = model(clip).square().mean()
    overall, parts = scheduler.before_backward_pass(0, minibatch, 3, loss)
    overall.backward()
    scheduler.before_parameter_optimization(0, minibatch, 3)
    optimizer.step()
    scheduler.on_minibatch_end(0, minibatch, 3)
scheduler.on_epoch_end(0)
weight = model.get_parameter("conv1.weight")
print(json.dumps({
    "zero_filters": [int(i) for i in range(len(weight)) if not bool(weight[i].any())],
    "distance": [before[1], float((model.fc.weight - 1).abs().mean())],
    "levels": len(model.fc.weight_quantizer(model.fc.weight).unique()),
    "parts": sorted(parts),
    "bias_is_frozen": bool((model.fc.bias == before[0]).all()),
}))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("site")
    toy_package.install(folder)
    paths = [folder, ROOT, ROOT / "tests" / "support"]
    done = run_command(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(str(path) for path in paths)},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_pruner_masks(found: Any) -> None:
    assert found["zero_filters"] == [0]


def test_a_regularizer_pulls(found: Any) -> None:
    before, after = found["distance"]
    assert after < 0.99 * before
    assert found["parts"] == ["ToyTowardsOne_loss"]


def test_a_quantizer_rounds(found: Any) -> None:
    assert 2 < found["levels"] <= 2**4


def test_a_kind_of_policy_acts_on_a_section_of_its_own(found: Any) -> None:
    assert found["bias_is_frozen"]
