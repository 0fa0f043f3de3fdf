"""Groups that names show, where a split does not keep them together."""

from __future__ import annotations

import pytest

from vcc.data.folders.group_names import mixed_groups


def notes(*paths: str, labels: int = 1) -> list[str]:
    """Every second video is for test."""
    sides = [(path, "test" if number % 2 else "train") for number, path in enumerate(paths)]
    return mixed_groups(sides, labels)


@pytest.mark.parametrize(
    ("paths", "group"),
    [
        (("a/person01_walking_d1", "b/Person01_run_d1", "a/person02_walk_d1"), "person01"),
        (("walk/Subject 3/x", "run/subject 3/y", "run/subject 4/y"), "subject 3"),
        (("S001C001P003R002A013", "S002C001P003R002A001", "S001C001P004R002A013"), "p003"),
        (
            (
                "a/-abcDEF_123_000010_000020",
                "a/-abcDEF_123_000020_000030",
                "b/xyzxyzxyz12_000010_000020",
            ),
            "-abcdef_123",
        ),
        (
            (
                "wave/Film_wave_u_cm_np1_fr_med_0",
                "wave/Film_wave_u_cm_np1_fr_med_1",
                "wave/Other_wave_h_nm_np1_ri_goo_0",
            ),
            "film_wave",
        ),
        (("a/match7_clip1", "b/match7_clip02", "a/match8-clip1"), "match7"),
    ],
)
def test_groups_on_both_sides(paths: tuple[str, ...], group: str) -> None:
    (note,) = notes(*paths)
    assert "names show 2 groups" in note
    assert f"of which 1 have videos both in training and in test: {group!r}; to keep" in note


@pytest.mark.parametrize(
    "paths",
    [
        ("a/1", "b/2", "c/3", "d/4"),
        # As many groups as classes, or as videos, are none.
        ("walk_clip1", "walk_clip2", "walk_clip3"),
        ("person1_a", "person2_a", "person3_a"),
        # One name that does not fit makes the others doubtful.
        ("person1_a", "person1_b", "person2_a", "other"),
        ("holiday1", "holiday1 b", "holiday2"),
        # Nothing is mixed.
        ("person1_a", "person2_a", "person1_b", "person2_b", "person3_a"),
    ],
)
def test_nothing_to_note(paths: tuple[str, ...]) -> None:
    assert notes(*paths) == []


def test_more_are_counted() -> None:
    paths = [f"person{number}_{take}" for number in range(5) for take in range(2)]
    assert "'person0', 'person1', 'person2', and 2 more; to keep" in notes(*paths)[0]
