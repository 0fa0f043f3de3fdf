"""Shipped schedules are found by family and type, and by the path that guides write."""

from __future__ import annotations

from pathlib import Path

import pytest
from shipped import FAMILIES, shipped_schedules

from vcc.compression.schedule import shipped
from vcc.compression.schedule.shipped import (
    SCHEDULES,
    default_schedule,
    find_schedule,
)
from vcc.errors import NotAvailableError, ScheduleError


def test_the_folder_at_the_top_is_the_one_source() -> None:
    assert Path(__file__).resolve().parents[4] / "schedules" == SCHEDULES


@pytest.mark.parametrize(
    ("kinds", "name"),
    [
        ("ep", "resnet_filters_agp_thin.yaml"),
        ("qat,ep", "resnet_filters_agp_thin_qat_int8.yaml"),
        (["kd", "ptq"], "ptq_int8.yaml"),
        ("kd", "distillation.yaml"),
    ],
)
def test_a_type_names_a_file_in_any_order(kinds: str | list[str], name: str) -> None:
    assert default_schedule("resnet", kinds) == SCHEDULES / name


def test_what_is_not_shipped_is_an_error_of_one_line() -> None:
    with pytest.raises(NotAvailableError, match="ptq qat|ptq\\+qat"):
        default_schedule("resnet", "ptq,qat")
    with pytest.raises(NotAvailableError, match="alexnet"):
        default_schedule("alexnet", "ptq,qat")
    with pytest.raises(ScheduleError, match="'epp' is unknown.*ep"):
        default_schedule("resnet", "epp")


def test_a_network_of_no_family_of_ours_gets_the_general_one() -> None:
    assert default_schedule("alexnet", "ep") == SCHEDULES / "filters_agp_thin.yaml"
    assert (SCHEDULES / "filters_agp_thin.yaml").is_file()


def test_a_family_s_own_file_is_taken_because_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "SCHEDULES", tmp_path)
    own = tmp_path / "i3d_filters_agp_thin.yaml"
    assert default_schedule("i3d", "ep") == tmp_path / "filters_agp_thin.yaml"
    own.touch()
    assert default_schedule("i3d", "ep") == own
    assert default_schedule("i3d", "ep,qat").name == "filters_agp_thin_qat_int8.yaml"


def test_a_family_gets_its_own_and_the_general_ones() -> None:
    assert {"resnet", "mobilenetv2", "csn"} <= set(FAMILIES)
    for family in FAMILIES:
        names = {path.name for path in shipped_schedules(family)}
        assert {"ptq_int8.yaml", f"{family}_filters_agp_thin.yaml"} <= names
    assert not [path for path in shipped_schedules("resnet") if path.name.startswith("resnext")]


def test_a_guide_s_path_names_the_shipped_file_in_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = Path("schedules/train_on.yaml")
    assert find_schedule(given) == SCHEDULES / "train_on.yaml"

    given.parent.mkdir()
    given.write_text("policies: []\n")
    assert find_schedule(given) == given


@pytest.mark.parametrize(
    "given", ["schedules/mine.yaml", "train_on.yaml", "/schedules/ptq_int8.yaml"]
)
def test_any_other_path_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_schedule(Path(given)) == Path(given)


def test_a_checkout_without_links_takes_the_folder_at_the_top(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "vcc"
    package.mkdir()
    (package / "schedules").write_text("../schedules")
    (tmp_path / "schedules").mkdir()
    monkeypatch.setattr(shipped, "files", lambda _: package)
    assert shipped._shipped_folder() == tmp_path / "schedules"

    (package / "schedules").unlink()
    (package / "schedules").mkdir()
    assert shipped._shipped_folder() == package / "schedules"
