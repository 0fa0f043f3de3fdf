"""Files that are gone or another's, halves of exports, parents that are not there."""

from __future__ import annotations

from pathlib import Path

from registry_toys import BASE, ToyRegistry

from vcc.pipeline.doctor.finding import Finding
from vcc.pipeline.doctor.version_files import check_checkpoints, check_exports


def found(toy: ToyRegistry) -> list[Finding]:
    registration = toy.read()
    return [*check_checkpoints(registration), *check_exports(registration)]


def test_what_fits_together_gives_no_finding(toy: ToyRegistry) -> None:
    assert found(toy) == []


def test_files_that_are_gone(toy: ToyRegistry, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    number = toy.add("", source=tmp_path / "empty")
    (finding,) = found(toy)
    assert finding.where == f"models:/{BASE}/{number}"
    assert "does not have its arch.json, metadata.json, weights.safetensors" in finding.what
    assert f"delete_model_version('{BASE}', '{number}')" in finding.mend.replace("'\"'\"'", "'")
    # With an alias, somebody goes on from it.
    toy.alias("baseline", number, "")
    (finding,) = found(toy)
    assert finding.mend.startswith("mlflow run . -e train")


def test_a_store_that_cannot_be_asked(toy: ToyRegistry) -> None:
    toy.add("", source=Path("s3:/nowhere"))
    (finding,) = found(toy)
    assert "does not have its" in finding.what or "cannot be asked" in finding.what


def test_a_served_file_that_is_another_than_was_measured(toy: ToyRegistry) -> None:
    toy.client.set_model_version_tag(f"{BASE}-video", "2", "size_bytes", "9")
    (finding,) = found(toy)
    assert finding.where == f"models:/{BASE}-video/2"
    assert finding.what.startswith("its model.onnx has 7 bytes; the file that was measured had 9")
    assert finding.mend.endswith(f"-e export --env-manager local -P source=models:/{BASE}/2")


def test_half_an_export_that_somebody_needs(toy: ToyRegistry) -> None:
    toy.forget("-video", 2)
    (finding,) = found(toy)
    assert finding.broken
    assert (finding.where, finding.what) == (
        f"models:/{BASE}-onnx/2",
        "its served model is not registered",
    )
    assert finding.mend.endswith(f"-P source=models:/{BASE}/2")
    # Exported again, the champion has to move to that.
    for suffix in ("-onnx", "-video"):
        toy.add(suffix, export_id="e4", checkpoint=f"models:/{BASE}/2", size_bytes="7")
    toy.client.set_model_version_tag(BASE, "2", "export_id", "e4")
    (finding,) = found(toy)
    assert finding.mend.endswith(f"-e promote --env-manager local -P name={BASE} -P version=2")


def test_half_an_export_that_nobody_needs_is_a_remark(toy: ToyRegistry) -> None:
    number = toy.add("-onnx", export_id="e9", checkpoint=f"models:/{BASE}/3")
    (finding,) = found(toy)
    assert not finding.broken
    assert "broken off" in finding.what
    assert f"{BASE}-onnx" in finding.mend
    toy.forget("-onnx", number)
    assert found(toy) == []


def test_an_export_of_which_nothing_is_left(toy: ToyRegistry) -> None:
    for suffix in ("-onnx", "-video"):
        toy.forget(suffix, 3)
    (finding,) = found(toy)
    assert finding.where == f"models:/{BASE}/3"
    assert "neither its graph nor its served model" in finding.what


def test_a_parent_that_is_gone(toy: ToyRegistry) -> None:
    number = toy.add("", role="compressed", parent=f"models:/{BASE}/99")
    assert found(toy) == []
    toy.alias("challenger", number, "")
    (finding,) = found(toy)
    assert finding.what == f"it was made from models:/{BASE}/99, which is not registered any more"
    assert finding.mend.endswith(
        f"-e compress --env-manager local -P source=models:/{BASE}@baseline"
    )
