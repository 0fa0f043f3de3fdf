"""Fuzzing with hypothesis: some hundreds of inputs by default, ten thousand under `slow`.

A test that hangs is ended by pytest's own time limit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from limits import LONG_TEST_S

from vcc.errors import VccError

MANY = 10_000
_LONGEST_MESSAGE = 2000


def few_or_many(few: int) -> pytest.MarkDecorator:
    """Parametrise a test by `examples`: `few` by default, 10,000 where slow tests run."""
    slow = [pytest.mark.slow, pytest.mark.timeout(LONG_TEST_S)]
    return pytest.mark.parametrize("examples", [few, pytest.param(MANY, marks=slow)])


def fuzz(strategy: st.SearchStrategy[Any], check: Callable[[Any], None], examples: int) -> None:
    """Call `check` with so many inputs."""
    quiet = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.large_base_example,
        ],
    )
    quiet(given(strategy)(check))()


def refused(call: Callable[[], object], *kinds: type[VccError]) -> bool:
    """Whether a call ends in an error of those kinds, on one line; any other error is a failure."""
    try:
        call()
    except kinds as error:
        message = str(error)
    else:
        return False
    assert message
    assert "\n" not in message
    assert len(message) < _LONGEST_MESSAGE
    return True


def damaged(draw: st.DrawFn, content: bytes, *, most: int = 2) -> bytes:
    """Write over, cut out or insert a few bytes, at up to `most` places."""
    data = bytearray(content)
    for _ in range(draw(st.integers(0, most))):
        place = draw(st.integers(0, len(data)))
        data[place : place + draw(st.integers(0, 3))] = draw(st.binary(max_size=4))
    return bytes(data)


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from((10**400, -1, 2**31, "../../escape", "/etc/passwd", "1e999"))
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)


def changed(draw: st.DrawFn, tree: Any) -> Any:
    """Replace, add or remove something anywhere in a JSON tree, in place where that is possible."""
    if not isinstance(tree, dict | list) or not tree or draw(st.integers(0, 3)) == 0:
        return draw(VALUES)
    keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
    key = draw(st.sampled_from(keys))
    if draw(st.integers(0, 5)) == 0:
        del tree[key]
    else:
        tree[key] = changed(draw, tree[key])
    return tree
