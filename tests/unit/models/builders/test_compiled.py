"""Files of compiled networks are told apart, and what is needed instead is said."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
import torch
from onnx import TensorProto, helper
from safetensors.torch import save_file
from torch import nn

from vcc.errors import ModelError
from vcc.models import build_model, load_weights
from vcc.models.builders.compiled import compiled_form


def scripted(path: Path) -> None:
    torch.jit.save(torch.jit.trace(nn.Linear(2, 2), torch.zeros(1, 2)), path)


def exported(path: Path) -> None:
    torch.export.save(torch.export.export(nn.Linear(2, 2), (torch.zeros(1, 2),)), path)


def onnx_file(path: Path) -> None:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    node = helper.make_node("Relu", ["x"], ["y"])
    model = helper.make_model(helper.make_graph([node], "g", [value], [out]), producer_name="me")
    onnx.save(model, str(path))


@pytest.mark.parametrize(
    ("write", "name", "form"),
    [
        (scripted, "net.pt", "a TorchScript file"),
        (exported, "net.pt2", "an ExportedProgram"),
        (onnx_file, "net.onnx", "an ONNX file"),
        (onnx_file, "net.bin", "an ONNX file"),
    ],
)
def test_they_are_refused_with_what_is_needed(
    tmp_path: Path, write: object, name: str, form: str
) -> None:
    write(tmp_path / name)  # type: ignore[operator]
    network = build_model("mobilenetv2", n_classes=2, width_mult=0.125)

    with pytest.raises(ModelError, match=f"is {form}.*network.state_dict") as caught:
        load_weights(network, tmp_path / name)

    assert "\n" not in str(caught.value)


def test_weights_are_none_of_them(tmp_path: Path) -> None:
    state = nn.Linear(2, 2).state_dict()
    torch.save(state, tmp_path / "new.pth")
    torch.save(state, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    save_file(state, tmp_path / "weights.safetensors")
    (tmp_path / "empty.pth").touch()

    assert [compiled_form(path) for path in sorted(tmp_path.iterdir())] == [""] * 4


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\x08", id="one byte of an ONNX file"),
        pytest.param(b"\x08\x0a", id="two bytes of an ONNX file"),
        pytest.param(b"PK\x05\x06" + bytes(18), id="an empty archive"),
    ],
)
def test_short_files_are_none_of_them(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "short.pth").write_bytes(content)

    assert compiled_form(tmp_path / "short.pth") == ""


@pytest.mark.parametrize(
    ("what", "at", "byte"),
    [
        ("its name is no UTF-8", 46, 0xB7),
        ("it wants a version that does not exist", 6, 0xFF),
        ("its name is longer than the directory", 29, 0xFF),
    ],
)
def test_a_damaged_archive_is_none_of_them(tmp_path: Path, what: str, at: int, byte: int) -> None:
    path = tmp_path / "net.pt"
    scripted(path)
    content = bytearray(path.read_bytes())
    first_entry = content.index(b"PK\x01\x02")
    # Bit 11 of the flags: the name is UTF-8.
    content[first_entry + 9] |= 0x08
    content[first_entry + at] = byte
    path.write_bytes(content)

    assert compiled_form(path) == "", what
