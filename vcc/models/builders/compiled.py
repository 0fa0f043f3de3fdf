"""Forms of networks that can be run and not trained on: told apart by what their files hold."""

from __future__ import annotations

import zipfile
from pathlib import Path

# Members of the archives that torch writes, behind the archive's own name.
_MEMBERS = (
    ("constants.pkl", "a TorchScript file (torch.jit.save)"),
    ("models/model.json", "an ExportedProgram (torch.export.save)"),
    ("serialized_exported_program.json", "an ExportedProgram (torch.export.save)"),
)
# Field 7, the graph, and field 8, the operator sets, of an ONNX model; field 1 is its version.
_ONNX_START = b"\x08"
_MOST_VERSION = 20


def compiled_form(path: Path) -> str:
    """Return what a file is that holds a compiled network, "" for any other file.

    Nothing of it is loaded: only names of members and the first bytes are looked at.
    """
    names = _members(path)
    for ending, form in _MEMBERS:
        if any(name == ending or name.endswith(f"/{ending}") for name in names):
            return form
    if names:
        return ""
    if path.suffix.lower() == ".onnx" or _begins_as_onnx(path):
        return "an ONNX file"
    return ""


def _members(path: Path) -> list[str]:
    """Return the names in an archive; there are none in another file or in a damaged archive."""
    try:
        if not zipfile.is_zipfile(path):
            return []
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except Exception:  # damage is met anywhere in the archive's directory, by errors of all kinds
        return []


def _begins_as_onnx(path: Path) -> bool:
    """Return whether a file begins with ONNX's version and then the name of who wrote it."""
    with path.open("rb") as file:
        start = file.read(3)
    # A pickle begins with 0x80, a safetensors file with eight bytes of a length.
    # The third byte is looked at before the second: a shorter file ends the test there.
    return start[:1] == _ONNX_START and start[2:] == b"\x12" and 0 < start[1] <= _MOST_VERSION
