"""Names of a schedule: exact ones, patterns, types and kinds."""

from __future__ import annotations

import pytest
from torch import nn

from vcc.compression.schedule.selectors import NameResolver, convolution_kinds, plain_name


def network() -> nn.Sequential:
    """Return a stem, a depthwise pair and a classifier."""
    return nn.Sequential(
        nn.Conv3d(3, 4, 1), nn.Conv3d(4, 4, 3, groups=4), nn.Conv3d(4, 8, 1), nn.Linear(8, 2)
    )


RESOLVER = NameResolver(network())


def test_data_parallel_s_components_do_not_count() -> None:
    assert plain_name("module.layer1.module.weight") == "layer1.weight"
    wrapped = NameResolver(nn.ModuleDict({"module": network()}))
    assert wrapped.names(["0.weight"]) == (("module.0.weight",), [])


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("2.bias", ("2.bias",)),
        (r"re:[01]\.weight", ("0.weight", "1.weight")),
        ("type:Linear", ("3.weight",)),
        ("type:Conv3d", ("0.weight", "1.weight", "2.weight")),
        ("kind:stem", ("0.weight",)),
        ("kind:depthwise", ("1.weight",)),
        ("kind:hidden", ("2.weight",)),
        ("*", ("0.weight", "1.weight", "2.weight", "3.weight")),
    ],
)
def test_a_selector_stands_for_parameters(wanted: str, names: tuple[str, ...]) -> None:
    assert RESOLVER.names([wanted]) == (names, [])


def test_a_parameter_that_is_named_twice_is_listed_once_where_it_came_first() -> None:
    found, _ = RESOLVER.names(["2.weight", "type:Conv3d"])
    assert found == ("2.weight", "0.weight", "1.weight")


def test_in_a_table_names_win_over_selectors_and_those_over_the_rest() -> None:
    table, problems = RESOLVER.table({"*": 1, "type:Conv3d": 2, "re:.*weight": 3, "0.weight": 4})
    assert not problems
    assert (table["0.weight"], table["1.weight"], table["3.weight"]) == (4, 2, 3)
    assert table["0.bias"] == 1


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("2.wieght", "no parameter '2.wieght': did you mean 2.weight"),
        ("re:x.*", "matches no parameter"),
        ("re:(", "not a regular expression"),
        ("re:a{4294967296}", "not a regular expression"),
        (f"re:{'(' * 5000}{')' * 5000}", "not a regular expression"),
        ("type:Conv2d", "matches no module: did you mean Conv3d"),
        ("kind:steam", "unknown: did you mean stem"),
    ],
)
def test_what_matches_nothing_is_named_with_the_nearest(wanted: str, message: str) -> None:
    found, (problem,) = RESOLVER.names([wanted])
    assert found == ()
    assert message in problem


def test_a_kind_that_the_network_lacks_is_a_problem() -> None:
    _, problems = NameResolver(nn.Sequential(nn.Conv3d(3, 4, 1))).names(["kind:depthwise"])
    assert problems == ["kind:depthwise: the network has no such convolution"]


def test_a_convolution_of_one_channel_is_not_depthwise() -> None:
    kinds = convolution_kinds({"a": nn.Conv3d(1, 4, 1), "b": nn.Conv3d(4, 4, 1, groups=2)})
    assert kinds == {"stem": ["a.weight"], "depthwise": [], "hidden": ["b.weight"]}
