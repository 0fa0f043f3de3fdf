"""Versions made from one network are found together, whichever of them is asked for."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pytest
from registry_toys import BASE, ToyRegistry

from vcc.errors import TrackingError
from vcc.tracking.registry import Version, get_version
from vcc.tracking.versions_together import (
    base_name,
    download_graph,
    find_version,
    graph_version,
    names_with,
    only_name_with,
    version_by,
    versions_together,
)

FORMS = ("", "-onnx", "-video")


def version(number: int, suffix: str = "") -> Version:
    return get_version(f"models:/{BASE}{suffix}/{number}")


def test_every_form_has_the_name_of_its_checkpoints() -> None:
    assert {base_name(BASE + suffix) for suffix in FORMS} == {BASE}
    assert base_name("vcc-onnx-toys") == "vcc-onnx-toys"


def test_none_is_an_answer_and_silence_is_not(
    toy: ToyRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_version(BASE, "champion") == version(2)
    assert find_version(BASE, "3") == version(3)
    assert find_version(BASE, "nobody") is None
    assert find_version(BASE, "9") is None
    assert find_version("vcc-nothing", "champion") is None

    def away(*_: object) -> None:
        msg = "went away"
        raise mlflow.MlflowException(msg)

    monkeypatch.setattr(mlflow.MlflowClient, "get_registered_model", away)
    monkeypatch.setattr(mlflow.MlflowClient, "get_model_version", away)
    for reference in ("champion", "2"):
        with pytest.raises(TrackingError, match=f"{BASE}: cannot be looked up at .*: went away"):
            find_version(BASE, reference)


@pytest.mark.parametrize("suffix", FORMS)
def test_each_form_leads_to_all(toy: ToyRegistry, suffix: str) -> None:
    found = versions_together(version(1, suffix))
    assert {key: each.uri for key, each in found.items()} == {
        key: f"models:/{BASE}{key}/1" for key in FORMS
    }


def test_a_version_registered_by_hand_is_alone(toy: ToyRegistry) -> None:
    toy.add("")
    alone = version(4)
    assert versions_together(alone) == {"": alone}
    with pytest.raises(TrackingError, match=f"{alone.uri}: has no exported graph: make one with"):
        graph_version(alone)


def test_of_two_exports_the_newest_counts(toy: ToyRegistry, tmp_path: Path) -> None:
    toy.add("-onnx", export_id="e1", checkpoint=f"models:/{BASE}/1")
    assert graph_version(version(1)).number == 4
    # An export says itself which checkpoint it is of, whatever that one says by now.
    assert versions_together(version(1, "-video"))[""] == version(1)
    assert download_graph(version(1, "-video"), into=tmp_path).read_bytes() == b"a graph"


def test_an_alias_means_what_is_served_and_a_number_the_checkpoint(toy: ToyRegistry) -> None:
    assert version_by(f"{BASE}-onnx", "champion") == version(2, "-video")
    assert version_by(f"{BASE}-video", "1") == version(1)
    toy.alias("mine", 3, "-onnx")
    assert version_by(BASE, "mine") == version(3, "-onnx")
    toy.forget("", 3)
    # An export of that number is another network's.
    with pytest.raises(TrackingError, match=f"{BASE}: has no version '3' at sqlite.*give a number"):
        version_by(BASE, "3")


def test_the_one_name_with_an_alias_or_a_choice(toy: ToyRegistry) -> None:
    assert only_name_with("champion", option="name") == BASE
    other = "vcc-other-motion-video"
    toy.client.create_registered_model(other)
    toy.client.create_model_version(other, str(toy.folder))
    toy.client.set_registered_model_alias(other, "champion", "1")
    assert names_with("champion") == ["vcc-other-motion", BASE]
    with pytest.raises(TrackingError, match=f"several have one: vcc-other-motion, {BASE}: .*name"):
        only_name_with("champion", option="name")
    with pytest.raises(TrackingError, match="nobody: no registered model at sqlite.* has one"):
        only_name_with("nobody", option="name")
