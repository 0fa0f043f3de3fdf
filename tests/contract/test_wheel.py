"""The wheel holds all that an installation needs, and compresses outside the repository."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest
from commands import run_command

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "vcc", "entrypoints", "schedules")
# Prunes, thins and trains a tiny network by the schedule that its family's users get.
COMPRESS = """
import sys
from pathlib import Path
import torch
import vcc
from vcc.compression import compile_phases, file_config, last_epoch, load_schedule, run_phases
from vcc.compression.schedule.shipped import SCHEDULES, default_schedule, find_schedule
from vcc.config.yaml_files.study_matrix import SHIPPED as MATRIX
from vcc.config.yaml_files.study_reader import read_matrix
from vcc.models import build_model
from vcc.tracking.gate import load_gate

installed = Path(sys.argv[1])
for path in (Path(vcc.__file__), SCHEDULES, MATRIX):
    assert path.is_relative_to(installed), path
assert find_schedule(Path("schedules/train_on.yaml")) == SCHEDULES / "train_on.yaml"
assert read_matrix(MATRIX).methods
assert load_gate(None).marks

torch.manual_seed(0)
model = build_model("resnet", model_depth=10, n_classes=2, sample_size=16, sample_duration=4,
                    width_mult=0.25)
dense = sum(parameter.numel() for parameter in model.parameters())
schedule = load_schedule(default_schedule("resnet", "ep"))
clips, labels = torch.randn(2, 3, 4, 16, 16), torch.tensor([0, 1])
scheduler = file_config(model, None, schedule, mask_coupled=True, example_input=clips)


def fit(phase):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001)
    scheduler.attach(optimizer)
    for epoch in range(phase.start, phase.end):
        scheduler.on_epoch_begin(epoch)
        scheduler.on_minibatch_begin(epoch, 0, 1)
        loss = torch.nn.functional.cross_entropy(scheduler.forward(clips), labels)
        loss, _ = scheduler.before_backward_pass(epoch, 0, 1, loss)
        optimizer.zero_grad()
        loss.backward()
        scheduler.before_parameter_optimization(epoch, 0, 1, optimizer)
        optimizer.step()
        scheduler.on_minibatch_end(epoch, 0, 1, optimizer)
        scheduler.on_epoch_end(epoch, {"min": float(loss.detach()), "max": 0.0})
    return optimizer


run_phases(scheduler, compile_phases(schedule, last_epoch(schedule)), fit=fit)
print(dense, sum(parameter.numel() for parameter in model.parameters()))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheel built, as `pip install .` builds it, from a copy of the sources."""
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=ignore)
        else:
            shutil.copy(ROOT / name, source)
    pip("wheel", "--no-build-isolation", "--wheel-dir", str(made), str(source))
    (built,) = made.glob("vcc-*.whl")
    return built


def pip(command: str, *words: str) -> None:
    """Run pip without the network, so that it can neither fetch nor look for a newer pip."""
    flags = ("--quiet", "--no-deps", "--no-index", "--disable-pip-version-check")
    done = run_command([sys.executable, "-m", "pip", command, *flags, *words])
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_wheel_holds_every_file_of_the_package_and_every_schedule(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
        shipped = {name for name in held if name.startswith("vcc/schedules/")}
        for name in shipped:
            assert archive.read(name) == (ROOT / name.removeprefix("vcc/")).read_bytes()
    assert shipped == {f"vcc/schedules/{path.name}" for path in ROOT.glob("schedules/*.yaml")}
    files = [path for path in (ROOT / "vcc").rglob("*") if path.is_file()]
    needed = {str(path.relative_to(ROOT)) for path in files if "__pycache__" not in path.parts}
    assert needed <= held


@pytest.mark.slow
def test_an_installation_compresses_by_a_shipped_schedule_outside_the_repository(
    wheel: Path, tmp_path: Path
) -> None:
    installed, elsewhere = tmp_path / "installed", tmp_path / "elsewhere"
    elsewhere.mkdir()
    pip("install", "--target", str(installed), str(wheel))

    done = run_command(
        [sys.executable, "-c", COMPRESS, installed],
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": str(installed)},
    )

    assert done.returncode == 0, done.stderr
    dense, compressed = map(int, done.stdout.split())
    assert compressed < 0.6 * dense
