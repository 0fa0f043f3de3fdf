"""What a video's name says, and names that are safe."""

from __future__ import annotations

import pytest

from vcc.data.annotations.names import (
    check_dataset_name,
    check_label,
    check_run_name,
    first_alike,
    group_number,
    group_of,
    is_text,
    listed,
    safe_name,
)
from vcc.errors import DataError


@pytest.mark.parametrize(
    ("video", "group", "number"),
    [
        ("v_ApplyEyeMakeup_g01_c04", "ApplyEyeMakeup_g01", 1),
        ("Run_g12_c1", "Run_g12", 12),
        ("v_a_g1_c2_g03_c04", "a_g1_c2_g03", 3),
        ("v_Run_g01", None, None),
        ("v_Run_c01_g01", None, None),
        ("_g01_c01", None, None),
        ("v_Run_g01_c01.avi", None, None),
        ("", None, None),
    ],
)
def test_a_group_is_read_out_of_the_name(video: str, group: str | None, number: int | None) -> None:
    assert group_of(video) == group
    assert (group_number(group) if group else None) == number


def test_other_groups_have_no_number() -> None:
    assert group_number("someone") is None
    assert group_number("a_g01_b") is None


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("v_Run_g01_c01", "v_Run_g01_c01"),
        ("a b/c", "a%20b%2Fc"),
        ("..", "%2E."),
        (".hidden", "%2Ehidden"),
        ("~home", "%7Ehome"),
        ("ü", "%C3%BC"),
        ("50%", "50%25"),
        ("\udcff", "%FF"),
    ],
)
def test_other_bytes_are_quoted(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_long_names_that_differ_at_the_end_stay_different() -> None:
    first, second = safe_name("x" * 300 + "a"), safe_name("x" * 300 + "b")
    assert first != second
    assert first.startswith("x" * 183)
    assert safe_name("x" * 200) == "x" * 200


def test_names_that_are_no_text() -> None:
    assert is_text("été")
    assert not is_text("\udcff")


@pytest.mark.parametrize("name", ["a", "My data.v2", "x" * 100, "été", "1_-.2"])
def test_a_data_set_may_be_called_so(name: str) -> None:
    check_dataset_name(name)


@pytest.mark.parametrize(
    "name", ["", "-a", "a-", ".a", "a/b", "a\nb", "a\n", "x" * 101, "r18-onnx", "a-promotion-lock"]
)
def test_a_data_set_may_not_be_called_so(name: str) -> None:
    with pytest.raises(DataError, match=r"^dataset: .*dataset=NAME") as caught:
        check_dataset_name(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["", " ", "a\tb", "x" * 201, "\u202eabc"])
def test_labels_and_runs_must_be_printable(name: str) -> None:
    with pytest.raises(DataError, match=r"^label .*rename it"):
        check_label(name)
    with pytest.raises(DataError, match=r"^run_name: "):
        check_run_name(name)


@pytest.mark.parametrize("name", ["a", "Apply eye make-up", "x" * 200, "走る"])
def test_labels_and_runs_that_can_be_shown(name: str) -> None:
    check_label(name)
    check_run_name(name)


def test_names_that_people_read_as_one() -> None:
    assert first_alike(["walk", "Walk"]) == ("Walk", "walk")
    assert first_alike(["my walk", "my_walk "]) == ("my walk", "my_walk ")
    assert first_alike(["caf\u00e9", "cafe\u0301"]) is not None
    assert first_alike(["walk", "walks", "cafe", "1", "-1"]) is None


def test_names_in_a_sentence() -> None:
    assert listed({"b"}) == "'b'"
    assert listed({"b", "a"}) == "'a' and 'b'"
    assert listed(["c", "a", "b"], most=2) == "'a', 'b' and 1 more"
