"""The table of worse recordings, against figures computed by hand."""

from __future__ import annotations

import pytest

from vcc.evaluation.study.robustness import Answers, Condition, accuracy, robustness_rows

DENSE = Answers(plain=["1111"], changed=["1110"])
OWN = Answers(plain=["1110"], changed=["1000"])


def condition(network: str, own: Answers, dense: Answers | None) -> Condition:
    return Condition(network=network, text="half the frame rate", own=own, dense=dense, groups=[""])


def test_a_network_has_its_own_loss_and_what_it_loses_beside_the_dense_one() -> None:
    header, dense, own = robustness_rows(
        [condition("net dense", DENSE, None), condition("net filters", OWN, DENSE)], pooled=True
    )
    rows = [dict(zip(header, row, strict=True)) for row in (dense, own)]
    assert [row["video top-1"] for row in rows] == ["75.00 %", "25.00 %"]
    # 4 to 3 of four, and 3 to 1
    assert rows[0]["less than as recorded, points"].startswith("+25.00 (")
    assert rows[1]["less than as recorded, points"].startswith("+50.00 (")
    assert rows[0]["dense"] == ""
    assert rows[1]["dense"] == "75.00 %"
    # 2 of four lost against dense there, 1 as recorded
    assert rows[1]["loss against dense, points"].startswith("+50.00 (")
    assert rows[1]["more than as recorded, points"].startswith("+25.00 (")


def test_accuracy_is_of_all_repeats() -> None:
    assert accuracy(["11", "000000"]) == pytest.approx(2 / 8)
