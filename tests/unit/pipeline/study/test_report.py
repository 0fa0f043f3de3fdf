"""A study's report: a row per method, what its figures are, and each cell's command."""

from __future__ import annotations

from pathlib import Path

import pytest
from study_cells import DENSE_TIMES, cell

from vcc.evaluation.study.results import CellResult
from vcc.evaluation.study.summary import summarise
from vcc.pipeline.study.report import facts_of, how_to_read, table_of, write_report


def dense() -> CellResult:
    return cell(method="dense", dense_right="", timings=DENSE_TIMES)


def test_rows_have_their_loss_and_their_ratios() -> None:
    header, first, second = table_of(summarise([dense(), cell()], pooled=False))
    assert header[0] == "model and method"
    assert len(header) == len(first) == len(second)
    row = dict(zip(header, second, strict=True))
    assert row["model and method"] == "net filters"
    assert row["video top-1"] == "50.00 % (1)"
    assert row["loss against dense, points"].startswith("+25.00 (")
    assert (row["median"], row["vs eager"], row["vs dense ORT"]) == ("5.00 ms", "20.00x", "10.00x")
    assert dict(zip(header, first, strict=True))["loss against dense, points"] == ""


def test_a_reference_method_has_two_columns_more() -> None:
    results = [dense(), cell(method="longer", right="1110"), cell(right="1100")]
    header, first, longer, filters = table_of(
        summarise(results, pooled=True, reference="longer"), "longer"
    )
    assert header[6:8] == ["loss against longer, points", "McNemar p"]
    assert {len(row) for row in (first, longer, filters)} == {len(header)}
    assert longer[6:8] == ["", ""]
    assert filters[6].startswith("+25.00 (")
    assert filters[7] == "1"
    partly = [*results, cell(repeat="s2")]
    (*_, row) = table_of(summarise(partly, pooled=True, reference="longer"), "longer")
    assert row[6].endswith("), 1 repeats")


@pytest.mark.parametrize(("groups", "drawn"), [("", "the videos again"), ("0 0 1 2", "groups of")])
def test_sentences_say_what_intervals_are_of(groups: str, drawn: str) -> None:
    text = " ".join(how_to_read([cell(groups=groups)], pooled=True, reference="longer"))
    assert drawn in text
    assert "Loss against longer" in text


def test_a_spread_needs_several_repeats() -> None:
    results = [cell(repeat="s1"), cell(repeat="s2", right="1110")]
    (_, row) = table_of(summarise(results, pooled=False))
    assert " ± " in row[4]
    assert row[4].endswith("(2)")


def test_a_runtime_that_was_not_there_is_said() -> None:
    untimed = cell(timings=())
    (_, row) = table_of(summarise([untimed], pooled=False))
    assert row[7:] == ["not run"] * 4


@pytest.mark.parametrize(
    ("repeat", "pooled", "words"),
    [
        ("f1", True, "over folds"),
        ("s1", False, "over seeds"),
        ("split2", True, "pooled over the splits"),
    ],
)
def test_sentences_say_what_repeats_and_clips_are(repeat: str, pooled: bool, words: str) -> None:
    results = [cell(repeat=repeat), cell(timed_clip=(8, 112, 112))]
    text = " ".join(how_to_read(results, pooled=pooled))
    assert words in text
    assert "clips of 16x112x112 (as many times smaller" in text
    assert "as many times" not in " ".join(how_to_read(results[:1], pooled=pooled))


def test_facts_are_every_value_that_occurred() -> None:
    results = [
        cell(machine={"cpu": "b", "cores": "2"}),
        cell(machine={"cpu": "a"}, created="2026-11-26T10:00:00+00:00"),
    ]
    facts = facts_of(results)
    assert facts["cpu"] == "a; b"
    assert facts["cores"] == "2; unknown"
    assert facts["computed"] == "2026-11-25 to 2026-11-26"
    assert facts_of(results[:1])["computed"] == "2026-11-25"


def test_page_text_and_picture_are_written(tmp_path: Path) -> None:
    results = [dense(), cell(command="mlflow run . -P only=net.filters.s1")]
    page = write_report(
        results, name="mine", folder=tmp_path, pooled=False, notes=["Not computed yet: x."]
    )
    assert page == tmp_path / "mine.html"
    assert (tmp_path / "mine.losses.png").is_file()
    text = (tmp_path / "mine.md").read_text()
    assert text.startswith("# Study mine\n")
    assert "Not computed yet: x." in text
    assert "![accuracy against latency](mine.png)" in text
    assert "`mlflow run . -P only=net.filters.s1`" in text
    assert (tmp_path / "mine.png").read_bytes().startswith(b"\x89PNG")
    assert "data:image/png;base64," in page.read_text()
