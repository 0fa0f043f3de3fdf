"""Training states, weights, exported files, gates and studies from others, damaged."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
import yaml
from fuzzing import changed, damaged, few_or_many, fuzz, refused
from hypothesis import strategies as st
from models_tiny import tiny_network
from serving_toys import export_toy

from vcc.config.yaml_files.study_matrix import SHIPPED as SHIPPED_STUDY
from vcc.config.yaml_files.study_reader import read_matrix
from vcc.errors import ConfigError, ExportError, ModelError, TrainingError
from vcc.export.onnx_file import read_metadata
from vcc.models.weights import load_weights
from vcc.pipeline.train.resume import find_resumption
from vcc.tracking.gate import SHIPPED as SHIPPED_GATE
from vcc.tracking.gate import load_gate
from vcc.training.resume_checkpoint import ABOUT_KEY
from vcc.training.state_file import read_state, write_state

ABOUT = {"run_id": "0" * 32, "epochs_done": 2, "data": {"dataset": "a"}, "training": {"n": 1}}
STATE: dict[str, Any] = {
    "state_dict": {"weight": torch.zeros(2, 3)},
    "loops": {"epoch": 1},
    "callbacks": {},
    ABOUT_KEY: ABOUT,
}


@few_or_many(150)
def test_any_training_state(tmp_path: Path, examples: int) -> None:
    path = tmp_path / "last.ckpt"
    write_state(path, STATE)
    whole = path.read_bytes()

    def check(data: st.DataObject) -> None:
        if data.draw(st.booleans()):
            path.write_bytes(damaged(data.draw, whole, most=3)[: data.draw(st.integers(0, 9000))])
        else:
            about = changed(data.draw, copy.deepcopy(ABOUT))
            torch.save({**STATE, ABOUT_KEY: about}, path)
        refused(lambda: read_state(path), TrainingError)
        found: list[Any] = []
        if not refused(lambda: found.append(find_resumption(path)), TrainingError, ConfigError):
            assert isinstance(found[0].run_id, str | None)
            assert found[0].epochs_done >= 0
        assert [each.name for each in tmp_path.iterdir()] == [path.name]

    fuzz(st.data(), check, examples)


@few_or_many(60)
def test_any_weights(tmp_path: Path, examples: int) -> None:
    network = tiny_network("resnet10a")
    before = copy.deepcopy(network.state_dict())
    path = tmp_path / "weights.pth"
    torch.save({"state_dict": network.state_dict(), "epoch": 3}, path)
    whole = path.read_bytes()

    def check(data: st.DataObject) -> None:
        # Names and shapes come first, the directory of the archive last.
        begin = data.draw(st.sampled_from((0, len(whole) - 4000)))
        piece = damaged(data.draw, whole[begin : begin + 8000], most=3)
        path.write_bytes(whole[:begin] + piece + whole[begin + 8000 :])
        if refused(lambda: load_weights(network, path), ModelError):
            for name, tensor in network.state_dict().items():
                assert torch.equal(tensor, before[name])
        network.load_state_dict(before)

    fuzz(st.data(), check, examples)


@few_or_many(60)
def test_any_exported_file_says_what_it_is_or_is_refused(tmp_path: Path, examples: int) -> None:
    whole = export_toy(tmp_path).read_bytes()
    path = tmp_path / "damaged.onnx"
    tail = max(0, len(whole) - 2000)

    def check(data: st.DataObject) -> None:
        path.write_bytes(whole[:tail] + damaged(data.draw, whole[tail:], most=4))
        refused(lambda: read_metadata(path), ExportError)

    fuzz(st.data(), check, examples)
    assert read_metadata(tmp_path / onnx_name(tmp_path))


def onnx_name(folder: Path) -> str:
    (name,) = {each.name for each in folder.glob("*.onnx")} - {"damaged.onnx"}
    assert onnx.load(folder / name).metadata_props
    return name


@few_or_many(100)
@pytest.mark.parametrize("kind", ["gate", "study"])
def test_any_gate_or_study(tmp_path: Path, kind: str, examples: int) -> None:
    shipped, read = {
        "gate": (SHIPPED_GATE, load_gate),
        "study": (SHIPPED_STUDY, read_matrix),
    }[kind]
    text = shipped.read_text("utf-8")
    tree = yaml.safe_load(text)
    path = tmp_path / "given.yaml"

    def check(data: st.DataObject) -> None:
        if data.draw(st.booleans()):
            path.write_bytes(damaged(data.draw, text.encode(), most=3))
        else:
            path.write_text(yaml.safe_dump(changed(data.draw, copy.deepcopy(tree))), "utf-8")
        refused(lambda: read(path), ConfigError)

    fuzz(st.data(), check, examples)
