"""A tiny project with data, registered networks and a champion, and whether it is whole."""

from __future__ import annotations

import dataclasses
import functools
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mlflow
from killing import Ended, FaultPoint, call_entry_point
from served_network import tracking

from vcc.config.data import PrepareOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.export.onnx_file import read_metadata
from vcc.pipeline.source import load_network
from vcc.tracking.promotion_lock import LOCK_SUFFIX
from vcc.tracking.registry import ONNX_SUFFIX, VIDEO_SUFFIX, get_version
from vcc.tracking.versions_together import SUFFIXES, version_by, versions_together

BASE = "vcc-resnet10b-0.0625-tiny"
_SCHEDULE = """
pruners: {p: {class: SensitivityPruner, sensitivities: {'kind:hidden': 0.5}}}
policies: [{pruner: {instance_name: p}, epochs: [0]}]
"""
_GATE = """
parity: false
latency_runs: 5
latency_warmup: 0
drop_from_champion: 1
drop_from_dense: 1
speedup: null
above_largest_class: false
"""
_MATRIX = """
name: tiny
data: {dataset: tiny, motion_classes: 2, motion_clips: 1, motion_frames: 6, motion_width: 40,
       motion_height: 32, short_side: 16, n_jobs: 1}
speed: {sample_size: 16, sample_duration: 4, latency_runs: 5}
seeds: [1]
models:
  small:
    network: {model: resnet, model_depth: 10, width_mult: 0.0625}
    clip: {sample_size: 16, sample_duration: 4, batch_size: 32}
    training: {n_epochs: 1, optimizer: adamw, learning_rate: 0.001, lr_scheduler: constant}
"""


@dataclass(frozen=True)
class Project:
    """A folder that entry points run in.

    Attributes:
        folder: it holds `mlflow.db` and what the entry points leave.
        root: holds the prepared data set `tiny` and the videos it was made of, or will.
        trained_on: digest of the data that the registered networks were trained on.
        caller: runs an entry point, as `call_entry_point` does.
        server: address of the tracking server; "" for the database in `folder`.
    """

    folder: Path
    root: Path
    trained_on: str
    caller: Callable[..., Ended] = call_entry_point
    server: str = ""

    @property
    def uri(self) -> str:
        """The tracking server."""
        return self.server or f"sqlite:///{self.folder / 'mlflow.db'}"

    def words(self, name: str) -> list[str]:
        """Return an entry point's command line: what is smallest."""
        entry = name.split()[0]
        data = {"root_path": self.root, "dataset": "tiny"}
        options: dict[str, object] = {
            "prepare": {
                **data, "motion_classes": 2, "motion_clips": 1, "motion_frames": 6, "n_jobs": 1,
                "motion_width": 40, "motion_height": 32, "short_side": 16,
            },
            "train": {
                **data, "model": "resnet", "model_depth": 10, "width_mult": 0.0625,
                # As many as it takes to name both classes, which the gate asks for.
                "n_epochs": 20, "learning_rate": 0.01, "optimizer": "adamw",
                "lr_scheduler": "onecycle", "checkpoint": 10, "n_threads": 0, "no_cuda": True,
                "sample_size": 16, "sample_duration": 4, "batch_size": 32, "std_norm": True,
            },
            "compress": {
                **data, "schedule": self.folder / "schedule.yaml", "n_epochs": 1, "n_threads": 0,
                "checkpoint": 1, "no_cuda": True,
            },
            "evaluate": {**data, "n_threads": 0, "no_cuda": True, "alias": "baseline"},
            "export": {
                **data, "n_threads": 0, "no_cuda": True, "provider": "cpu", "latency_runs": 5,
                "alias": "challenger" if name == "export both" else "baseline",
                "latency_warmup": 0, "latency_threads": 1, "latency_table": False,
                "parity_videos": 2,
            },
            "promote": {**data, "gate": self.folder / "gate.yaml", "n_threads": 0},
            "rollback": {**data, "rollback": True},
            "predict": {
                "videos": self.root / "tiny" / "videos" / "left", "threads": 1, "n_clips": 1,
            },
            "sensitivity": {
                **data, "n_threads": 0, "no_cuda": True, "level_step": 0.45, "n_videos": 4,
                "max_drop": 1,
            },
            "pipeline": {
                **data, "motion_classes": 2, "motion_clips": 1, "motion_frames": 6, "n_jobs": 1,
                "motion_width": 40, "motion_height": 32, "short_side": 16, "pass_marks": "off",
                # The pipeline has defaults of its own; here it makes the same videos again.
                "motion_difficulty": PrepareOptions().motion_difficulty,
                "model": "resnet", "model_depth": 10, "width_mult": 0.0625, "n_epochs": 1,
                "sample_size": 16, "sample_duration": 4, "batch_size": 32, "n_threads": 0,
                "schedule": self.folder / "schedule.yaml", "compress_n_epochs": 1,
                "provider": "cpu", "latency_runs": 5, "latency_warmup": 0, "latency_threads": 1,
                "latency_table": False, "parity_videos": 2, "no_cuda": True,
            },
            "study": {"matrix": self.folder / "matrix.yaml", "root_path": self.root,
                      "no_cuda": True},
            "search": {
                **data, "target_macs": 0.6, "provider": "cpu", "trials": 1, "trial_epochs": 0,
                "trial_videos": 4, "dev_videos": 4, "finalists": 1, "final_epochs": 3,
                "n_threads": 0, "no_cuda": True,
            },
            "doctor": {"check": "registry", "root_path": self.root},
        }[entry]  # type: ignore[assignment]  # fmt: skip
        return [str(word) for key, value in options.items() for word in (f"--{key}", value)]

    def call(self, name: str, *, point: FaultPoint | None = None, **variables: str) -> Ended:
        """Run an entry point; `rollback` is `promote` the other way.

        Args:
            name: a key of `words`; `export both` takes the compressed network and its parent.
            point: the fault that it meets.
            variables: further environment variables.
        """
        return self.caller(
            entry_of(name),
            self.words(name),
            folder=self.folder,
            environment={"MLFLOW_TRACKING_URI": self.uri, **variables},
            point=point,
        )

    def must(self, name: str) -> str:
        """Run an entry point that is to work, and return what it printed."""
        ended = self.call(name)
        assert ended.code == 0, f"{name}: {ended.printed}"
        return ended.printed

    def copy(self, folder: Path, *, new_data: bool = False) -> Project:
        """Return a project of the same runs and models; what it does leaves this one alone.

        Args:
            folder: an empty one.
            new_data: its data are not prepared yet.
        """
        for name in ("mlflow.db", "schedule.yaml", "gate.yaml", "matrix.yaml"):
            shutil.copy(self.folder / name, folder)
        return dataclasses.replace(
            self, folder=folder, root=folder / "data" if new_data else self.root
        )

    def forget_exports(self) -> None:
        """Delete the registered files, as if there were only checkpoints."""
        with tracking(self.uri):
            client = mlflow.MlflowClient()
            for suffix in (ONNX_SUFFIX, VIDEO_SUFFIX):
                client.delete_registered_model(BASE + suffix)
            for version in client.search_model_versions(f"name = '{BASE}'"):
                client.delete_model_version_tag(BASE, version.version, "export_id")


def entry_of(name: str) -> str:
    """Return the entry point that a key of `Project.words` calls."""
    return "promote" if name == "rollback" else name.split()[0]


def make_project(
    folder: Path, caller: Callable[..., Ended] = call_entry_point, server: str = ""
) -> Project:
    """Prepare, train and export; what is registered is so twice more: champion and previous.

    Args:
        folder: an empty one.
        caller: as in `Project`.
        server: the same.
    """
    project = Project(folder, folder / "data", trained_on="", caller=caller, server=server)
    for name, text in (("schedule", _SCHEDULE), ("gate", _GATE), ("matrix", _MATRIX)):
        (folder / f"{name}.yaml").write_text(text)
    for name in ("prepare", "train", "export"):
        project.must(name)
    with tracking(project.uri):
        _register_again()
    digest = PreparedDataset.open(project.root / "tiny").digest
    return dataclasses.replace(project, trained_on=digest)


def _register_again() -> None:
    # Apart from the baseline: exporting that again must not touch what is champion.
    client = mlflow.MlflowClient()
    for alias in ("previous", "champion"):
        made_from: dict[str, str] = {}
        for suffix in SUFFIXES:
            first = client.get_model_version(BASE + suffix, "1")
            again = client.create_model_version(
                BASE + suffix,
                first.source,
                model_id=first.model_id,
                tags={**first.tags, "export_id": alias, **made_from},
            )
            if suffix == "":
                made_from = {"checkpoint": f"models:/{BASE}/{again.version}"}
            client.set_registered_model_alias(BASE + suffix, alias, again.version)


def add_compressed(project: Project) -> Project:
    """Compress and export, so that there is a challenger to promote."""
    for name in ("compress", "export both"):
        project.must(name)
    return project


def check_whole(project: Project, *, settled: bool) -> None:
    """Check that everything registered can be used and belongs together.

    Args:
        project: whose registry and files.
        settled: no command was cut off, or the next one has run: aliases agree on all forms.
    """
    with tracking(project.uri):
        _check_versions(project)
        if settled:
            _check_aliases()
    _check_files(project)


def _check_versions(project: Project) -> None:
    client = mlflow.MlflowClient()
    for suffix in SUFFIXES:
        for version in client.search_model_versions(f"name = '{BASE}{suffix}'"):
            uri = f"models:/{version.name}/{version.version}"
            assert {"arch", "dataset", "data_digest", "role", "run_id"} <= set(version.tags), uri
            assert version.tags["data_digest"] == project.trained_on
            _loads(suffix, version.source)
            if suffix:
                assert "export_id" in version.tags, uri
                _dense_of(version.tags)
    for suffix in SUFFIXES:
        for alias, number in _aliases(suffix).items():
            assert client.get_model_version(BASE + suffix, str(number)), alias


@functools.cache
def _loads(suffix: str, source: str) -> None:
    folder = Path(mlflow.artifacts.download_artifacts(source))
    assert (folder / "MLmodel").is_file()
    if suffix == "":
        assert load_network(folder / "artifacts" / "checkpoint").card.labels
        return
    graph = {ONNX_SUFFIX: "model.onnx", VIDEO_SUFFIX: "artifacts/model.onnx"}[suffix]
    assert read_metadata(folder / graph)["labels"]


def _dense_of(tags: dict[str, str]) -> None:
    """Check that what a compressed network's file is compared with is registered, too."""
    if tags["role"] == "dense":
        return
    parent = get_version(tags["parent"])
    client = mlflow.MlflowClient()
    graphs = client.search_model_versions(f"name = '{BASE}{ONNX_SUFFIX}'")
    assert parent.tags.get("export_id") in {each.tags["export_id"] for each in graphs}


def _aliases(suffix: str) -> dict[str, int]:
    client = mlflow.MlflowClient()
    if not client.search_registered_models(f"name = '{BASE}{suffix}'"):
        return {}
    return {
        alias: int(number)
        for alias, number in client.get_registered_model(BASE + suffix).aliases.items()
    }


def _check_aliases() -> None:
    client = mlflow.MlflowClient()
    assert not client.search_registered_models(f"name = '{BASE}{LOCK_SUFFIX}'")
    made = {
        suffix: {
            alias: client.get_model_version(BASE + suffix, str(number)).tags.get("export_id")
            for alias, number in _aliases(suffix).items()
        }
        for suffix in (ONNX_SUFFIX, VIDEO_SUFFIX)
    }
    assert made[ONNX_SUFFIX] == made[VIDEO_SUFFIX]
    # A new baseline is exported when somebody asks for it; a champion moves with all its forms.
    for alias in ("champion", "previous"):
        there = {
            f"models:/{BASE}{suffix}/{number}"
            for suffix in SUFFIXES
            if (number := _aliases(suffix).get(alias))
        }
        if there:
            together = versions_together(version_by(BASE, alias))
            assert there == {version.uri for version in together.values()}, alias


def _check_files(project: Project) -> None:
    """Check that every result under its final name is whole."""
    results = project.folder / "results"
    for kind in results.glob("*/[!.]*"):
        if kind.parent.name in ("checkpoints", "unsent", "study"):
            continue
        assert {each.name for each in kind.iterdir()} == {"opts.json", "val.json", "accuracy.txt"}
        assert (kind / "accuracy.txt").read_text().count("\n") == 2
    for path in project.folder.glob("exported/*.onnx"):
        assert read_metadata(path)["labels"]
