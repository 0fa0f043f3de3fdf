"""What the registry holds is read completely, and files by name and size."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pytest
from mlflow.entities import Dataset, DatasetInput
from registry_toys import BASE, ToyRegistry

from vcc.errors import TrackingError
from vcc.tracking.inventory import read_registry, recorded_data, stored_files
from vcc.tracking.registry import fetch, list_versions, registered_models
from vcc.tracking.runs import Run


def test_forms_aliases_and_locks(toy: ToyRegistry) -> None:
    toy.client.create_registered_model(f"{BASE}-promotion-lock")
    toy.client.create_registered_model("somebody else's")
    registration = toy.read()
    assert registration.base == BASE
    assert {s: sorted(v) for s, v in registration.forms.items()} == dict.fromkeys(
        ("", "-onnx", "-video"), [1, 2, 3]
    )
    assert registration.aliases["-video", "champion"] == 2
    assert registration.forms["-video"][2].aliases == ("champion",)
    assert registration.locked
    second = registration.forms["-onnx"][2]
    assert registration.checkpoint_of(second) == registration.forms[""][2]
    assert len(registration.made_with("e2")) == 3
    assert registration.made_with(None) == []
    assert registration.has(f"models:/{BASE}/3")
    assert not registration.has(f"models:/{BASE}/4")


def test_a_lock_of_nothing_is_a_registration(toy: ToyRegistry) -> None:
    toy.client.create_registered_model("vcc-other-promotion-lock")
    other, _ = read_registry()
    assert (other.base, other.locked) == ("vcc-other", True)
    assert other.forms == {"": {}, "-onnx": {}, "-video": {}}


def test_names_beyond_the_first_page_are_read(
    toy: ToyRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        toy.client.create_registered_model(f"vcc-more{number}")
    search = mlflow.MlflowClient.search_registered_models

    def pages_of_two(self: mlflow.MlflowClient, *words: object, **more: object) -> object:
        return search(self, *words, **{**more, "max_results": 2})  # type: ignore[arg-type]

    monkeypatch.setattr(mlflow.MlflowClient, "search_registered_models", pages_of_two)
    assert len(registered_models()) == 8
    assert len(list_versions()) == 3


def test_files_are_named_with_their_sizes(toy: ToyRegistry) -> None:
    version = toy.read().forms["-video"][1]
    assert stored_files(version) == {"artifacts": None}
    assert stored_files(version, "artifacts") == {"model.onnx": 7}
    assert stored_files(version, "nothing") == {}


def test_a_store_whose_package_has_errors_of_its_own(
    toy: ToyRegistry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class NoCredentialsError(Exception):
        pass

    def refuse(*_: object, **__: object) -> None:
        msg = "no credentials\nwere found"
        raise NoCredentialsError(msg)

    version = toy.read().forms["-video"][1]
    monkeypatch.setattr(mlflow.artifacts, "list_artifacts", refuse)
    monkeypatch.setattr(mlflow.artifacts, "download_artifacts", refuse)
    with pytest.raises(TrackingError, match="cannot be asked: no credentials were found"):
        stored_files(version)
    with pytest.raises(TrackingError, match="cannot be fetched: no credentials were found"):
        fetch(version.uri, into=tmp_path)


def test_the_data_that_a_run_recorded(toy: ToyRegistry, tmp_path: Path) -> None:
    with mlflow.start_run() as active:
        run = Run(active, unsent=tmp_path)
        run.log_dataset(name="toy", root=tmp_path / "a set", digest="0" * 64, context="train")
    assert recorded_data(run.run_id) == [tmp_path / "a set"]
    assert recorded_data("0" * 32) == []


@pytest.mark.parametrize(
    "source", ["", "not JSON", "[]", '{"tags": {}}', '{"uri": 3}', '{"uri": "\\u0000"}', "[" * 9000]
)
def test_inputs_that_others_recorded_are_passed_over(toy: ToyRegistry, source: str) -> None:
    run = toy.client.create_run("0")
    data = Dataset(name="theirs", digest="1", source_type="code", source=source)
    toy.client.log_inputs(run.info.run_id, [DatasetInput(dataset=data)])
    assert recorded_data(run.info.run_id) == []


def test_a_registry_that_does_not_answer(toy: ToyRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        msg = "the server went away"
        raise mlflow.MlflowException(msg)

    monkeypatch.setattr(mlflow.MlflowClient, "search_registered_models", away)
    with pytest.raises(TrackingError, match="cannot be read: the server went away"):
        read_registry()
