"""Versions are registered with their tags, found by name, number or alias, and fetched."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

# By their names: what `mlflow` has of them at first only stands for the modules.
import mlflow.onnx
import mlflow.pyfunc
import pytest
from registry_toys import BASE, ToyRegistry

from vcc.errors import TrackingError
from vcc.tracking import registry
from vcc.tracking.registry import (
    describe_version,
    download_checkpoint,
    fetch,
    get_version,
    list_versions,
    register_checkpoint,
    register_onnx,
    register_video,
    registered_models,
    registered_name,
    set_alias,
    tag_version,
    versions_of,
)

CLIP = (3, 4, 16, 16)
TAGS = {"dataset": "toy", "role": "dense"}


class Logged(SimpleNamespace):
    """What MLflow was asked to log, by flavor; logging itself copies the whole package."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(asked=[], files=[])
        monkeypatch.setattr(mlflow.pyfunc, "log_model", self.log(folder))
        monkeypatch.setattr(mlflow.onnx, "log_model", self.log(folder))

    def log(self, folder: Path) -> Any:
        def log_model(*_: object, **words: Any) -> SimpleNamespace:
            self.asked.append(words)
            self.files += [Path(p).name for p in words.get("artifacts", {}).values()]
            return SimpleNamespace(model_uri=str(folder), model_id=None)

        return log_model


@pytest.fixture
def logged(toy: ToyRegistry, monkeypatch: pytest.MonkeyPatch) -> Logged:
    monkeypatch.setattr(registry, "git_commit", lambda: "abc")
    return Logged(toy.folder / "model", monkeypatch)


def shapes(schema: Any) -> list[tuple[int, ...]]:
    return [tuple(each.shape) for each in schema.inputs]


def test_a_checkpoint_becomes_the_next_version_with_its_tags(
    toy: ToyRegistry, logged: Logged, capfd: pytest.CaptureFixture[str]
) -> None:
    version = register_checkpoint(
        toy.folder / "checkpoint", name=BASE, clip_shape=CLIP, n_classes=5, tags=TAGS
    )
    assert version.uri == f"models:/{BASE}/4"
    assert get_version(version.uri).tags == version.tags == {**TAGS, "git_commit": "abc"}
    (asked,) = logged.asked
    signature = asked["signature"]
    assert shapes(signature.inputs) == [(-1, *CLIP)]
    assert shapes(signature.outputs) == [(-1, 5)]
    assert logged.files == ["checkpoint"]
    assert "Created version" not in "".join(capfd.readouterr())


def test_a_checkpoint_in_a_folder_of_another_name_would_not_be_found_again(
    tmp_path: Path, logged: Logged
) -> None:
    with pytest.raises(ValueError, match="in a folder named checkpoint"):
        register_checkpoint(tmp_path, name=BASE, clip_shape=CLIP, n_classes=5, tags=TAGS)
    assert not logged.asked


def test_graphs_and_served_models_say_what_they_take(
    toy: ToyRegistry, logged: Logged, tmp_path: Path
) -> None:
    graph = register_onnx(object(), name=f"{BASE}-onnx", clip_shape=CLIP, n_classes=5, tags=TAGS)
    (tmp_path / "int8 of today.onnx").write_bytes(b"a graph")
    video = register_video(
        tmp_path / "int8 of today.onnx",
        name=f"{BASE}-video",
        model_config={"threads": 1},
        tags=TAGS,
    )
    assert (graph.number, video.number) == (4, 4)
    # Whatever the file was called: who serves it asks for one name.
    assert logged.files == ["model.onnx"]
    assert logged.asked[1]["model_config"] == {"threads": 1}
    assert logged.asked[1]["signature"].params.to_dict()[0]["default"] == 5
    assert any(line.startswith("onnxruntime") for line in logged.asked[1]["pip_requirements"])


def test_a_version_is_found_by_alias_and_by_number(toy: ToyRegistry) -> None:
    champion = get_version(f"models:/{BASE}@champion")
    assert champion == get_version(f"models:/{BASE}/2")
    assert champion.aliases == ("champion",)
    set_alias(get_version(f"models:/{BASE}/3"), "champion")
    assert get_version(f"models:/{BASE}@champion").number == 3
    tag_version(champion, {"note": "a"})
    describe_version(champion, "a text")
    stored = toy.client.get_model_version(BASE, "2")
    assert (stored.tags["note"], stored.description) == ("a", "a text")


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        (f"models:/{BASE}/9", "not in the registry at sqlite"),
        (f"models:/{BASE}@nobody", "not in the registry at sqlite"),
        ("models:/vcc-nothing/1", "not in the registry at sqlite"),
        (f"models:/{BASE}", "is written as models:/NAME@ALIAS or models:/NAME/NUMBER"),
        (f"models:/{BASE}/latest", "is written as models:/NAME@ALIAS or models:/NAME/NUMBER"),
    ],
)
def test_what_is_no_version_is_refused_by_its_name(
    toy: ToyRegistry, uri: str, message: str
) -> None:
    with pytest.raises(TrackingError, match=f"^{uri}: {message}"):
        get_version(uri)


def test_checkpoints_are_listed_newest_first_by_their_data(
    toy: ToyRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy.add("", dataset="other")
    assert [v.number for v in list_versions()][0] == 4
    assert {v.name for v in list_versions()} == {BASE}
    assert [v.number for v in list_versions(dataset="other")] == [4]
    assert list_versions(dataset="nothing") == []
    assert registered_name("toy", "motion") == BASE


def test_models_of_others_are_not_this_project_s(toy: ToyRegistry) -> None:
    toy.client.create_registered_model("somebody else's")
    models = registered_models()
    assert [model.name for model in models] == [BASE, f"{BASE}-onnx", f"{BASE}-video"]
    aliases = {v.number: v.aliases for v in versions_of(models[1])}
    assert aliases == {1: ("previous",), 2: ("champion",), 3: ()}


def test_files_are_fetched_or_named(toy: ToyRegistry, tmp_path: Path) -> None:
    version = get_version(f"models:/{BASE}/1")
    folder = download_checkpoint(version, into=tmp_path / "all")
    assert (folder / "arch.json").read_bytes() == b"a graph"
    assert download_checkpoint(version, into=tmp_path / "one", file="arch.json").is_file()
    with pytest.raises(TrackingError, match=f"models:/{BASE}/1/nothing.*: cannot be fetched"):
        fetch(f"{version.uri}/nothing", into=tmp_path)


def test_a_version_knows_the_logged_model_that_it_is(toy: ToyRegistry) -> None:
    model_id = toy.client.create_logged_model("0", name="checkpoint").model_id
    toy.client.create_model_version(BASE, f"models:/{model_id}")
    assert get_version(f"models:/{BASE}/4").model_id == model_id
    # Registered from a folder, it is none.
    assert get_version(f"models:/{BASE}/1").model_id is None
