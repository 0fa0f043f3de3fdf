"""What a cell depends on: everything that changes its figures, and nothing else."""

from __future__ import annotations

import dataclasses
import types
from pathlib import Path
from typing import cast

import pytest

from vcc.config.data import PrepareOptions
from vcc.config.options import option
from vcc.config.yaml_files.study_matrix import SHIPPED, Cell
from vcc.config.yaml_files.study_reader import read_matrix
from vcc.data.annotations.splits import move_share
from vcc.data.motion import MOTIONS, N_GROUPS
from vcc.data.prepare.build_plan import make_plan
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ScheduleError
from vcc.evaluation.study.results import read_result
from vcc.pipeline.study import digests as digests_module
from vcc.pipeline.study.digests import digest_of, digests_of
from vcc.pipeline.study.place import StudyPlace

MATRIX = """
name: mine
data: {dataset: d}
seeds: [1]
models: {a: {network: {model: resnet, model_depth: 18}}}
methods: {pruned: {schedule: SCHEDULE}}
"""
SCHEDULE = """# result: not measured yet
pruners: {p: {class: SensitivityPruner, sensitivities: {'*': 0.9}}}
policies: [{pruner: {instance_name: p}, epochs: [0]}]
"""
RESULTS = Path(__file__).resolve().parents[4] / "results" / "study"
CELL = Cell("s1", "a", "pruned")


def place_of(folder: Path, schedule: str, matrix_text: str = MATRIX) -> StudyPlace:
    path = folder / "schedule.yaml"
    path.write_text(schedule)
    matrix = folder / "matrix.yaml"
    matrix.write_text(matrix_text.replace("SCHEDULE", str(path)))
    record = types.SimpleNamespace(id="v", label=0)
    dataset = types.SimpleNamespace(videos=lambda _subset: [record])
    return StudyPlace(
        matrix=read_matrix(matrix),
        dataset_of=lambda _cell: cast(PreparedDataset, dataset),
        checkpoints=folder,
        n_threads=0,
        no_cuda=True,
    )


def settings(folder: Path, schedule: str, matrix: str = MATRIX) -> str:
    return digest_of(place_of(folder, schedule, matrix), CELL)


def test_a_schedule_s_comments_do_not_count(tmp_path: Path) -> None:
    before = settings(tmp_path, SCHEDULE)
    assert settings(tmp_path, SCHEDULE.replace("not measured yet", "96.0 %")) == before


@pytest.mark.parametrize(("old", "new"), [("0.9", "0.8"), ("[0]", "[1]"), ("'*'", "fc.weight")])
def test_what_a_schedule_says_does(tmp_path: Path, old: str, new: str) -> None:
    assert settings(tmp_path, SCHEDULE.replace(old, new)) != settings(tmp_path, SCHEDULE)


def test_a_schedule_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScheduleError, match="schedule.yaml"):
        settings(tmp_path, "policies: [")


@pytest.mark.parametrize(
    "said",
    [
        "network: {model: resnet, model_depth: 18}, training: {n_epochs: 1}",
        "network: {model: resnet}",
        "network: {model: resnet, model_depth: 18, dropout: null}",
        "network: {model: resnet, model_depth: 18}, clip: {n_threads: 3}",
    ],
)
def test_a_default_is_the_same_said_or_not(tmp_path: Path, said: str) -> None:
    other = MATRIX.replace("network: {model: resnet, model_depth: 18}", said)
    assert other != MATRIX
    assert settings(tmp_path, SCHEDULE, other) == settings(tmp_path, SCHEDULE)


def test_for_which_models_a_method_is_does_not_count(tmp_path: Path) -> None:
    other = MATRIX.replace("{schedule: SCHEDULE}", "{schedule: SCHEDULE, models: [a]}")
    assert other != MATRIX
    same = digests_of(place_of(tmp_path, SCHEDULE), CELL)
    assert digests_of(place_of(tmp_path, SCHEDULE, other), CELL) == same


def test_a_chosen_value_is_another_cell(tmp_path: Path) -> None:
    other = MATRIX.replace("model_depth: 18", "model_depth: 34")
    assert settings(tmp_path, SCHEDULE, other) != settings(tmp_path, SCHEDULE)


def test_a_new_option_leaves_finished_cells_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digests_of(place_of(tmp_path, SCHEDULE), CELL)

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Newer(PrepareOptions):
        newer: int = option(3, "an option that comes later")

    monkeypatch.setitem(digests_module._FIRST, Newer, digests_module._FIRST[PrepareOptions])
    monkeypatch.setitem(digests_module._FREE, Newer, digests_module._FREE[PrepareOptions])
    place = place_of(tmp_path, SCHEDULE)

    def with_data(**chosen: int) -> StudyPlace:
        data = Newer(dataset="d", **chosen)
        return dataclasses.replace(place, matrix=dataclasses.replace(place.matrix, data=data))

    assert digests_of(with_data(), CELL) == before
    # Chosen, it is in today's digest, and no first one can stand for it.
    (chosen,) = digests_of(with_data(newer=4), CELL)
    assert chosen not in before


def built_in_videos(folder: Path, data: PrepareOptions) -> PreparedDataset:
    """Return which built-in video is in which subset; nothing is drawn or decoded."""
    for name in MOTIONS[: data.motion_classes]:
        (folder / name).mkdir(parents=True)
        for group in range(1, N_GROUPS + 1):
            for clip in range(1, data.motion_clips + 1):
                video = f"v_{name}_g{group:02d}_c{clip:02d}.avi"
                (folder / name / video).write_text(video)
    plan = make_plan(data, folder)
    entries = move_share(
        [video.entry for video in plan.videos],
        data.dev_share,
        source="train",
        target="dev",
        seed=data.manual_seed,
    )
    records = [
        types.SimpleNamespace(id=e.id, label=plan.labels.index(e.label), subset=e.subset)
        for e in entries
    ]
    found = types.SimpleNamespace(videos=lambda subset: [r for r in records if r.subset == subset])
    return cast(PreparedDataset, found)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tier1", "families"])
def test_the_cells_that_were_computed_are_finished(tmp_path: Path, name: str) -> None:
    matrix = read_matrix(SHIPPED.with_name(f"{name}.yaml"))
    dataset = built_in_videos(tmp_path / "videos", matrix.data)
    place = StudyPlace(
        matrix=matrix,
        dataset_of=lambda _cell: dataset,
        checkpoints=tmp_path,
        n_threads=0,
        no_cuda=True,
    )
    stale = [
        cell.key
        for cell in matrix.cells()
        if read_result(RESULTS / name / f"{cell.key}.json").settings not in digests_of(place, cell)
    ]
    assert not stale
