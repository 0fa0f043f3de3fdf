"""The list of figures: names that MLflow takes, one meaning each, families that do not overlap.

What is logged is compared with it in tests/contract/test_metric_names.py.
"""

from __future__ import annotations

import itertools

import mlflow.utils.validation
import pytest

from vcc.config.metrics import METRIC_PREFIXES, METRICS


@pytest.mark.parametrize("name", [*METRICS, *(f"{family}x" for family in METRIC_PREFIXES)])
def test_a_name_is_one_that_mlflow_takes(name: str) -> None:
    mlflow.utils.validation._validate_metric_name(name)


def test_every_figure_has_a_unit_and_a_meaning_of_its_own() -> None:
    said = [*METRICS.values(), *METRIC_PREFIXES.values()]
    assert all(unit.strip() and meaning.strip() for unit, meaning in said)
    meanings = [meaning for _, meaning in METRICS.values() if "of it" not in meaning]
    assert len(set(meanings)) == len(meanings)


def test_no_figure_could_be_of_a_family() -> None:
    # A dev figure is its test figure's name with `dev_` in front, and nothing else.
    for name, family in itertools.product(METRICS, METRIC_PREFIXES):
        assert not name.startswith(family), f"{name} would be read as one of {family}"
    for one, other in itertools.permutations(METRIC_PREFIXES, 2):
        assert not one.startswith(other)
