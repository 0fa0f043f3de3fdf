"""What no other beats in both cost and gain."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def pareto_front(items: Iterable[T], key: Callable[[T], tuple[float, float]]) -> list[T]:
    """Return the items that no other beats in both, by ascending cost; of equal ones the first.

    Args:
        items: what is compared.
        key: its cost and its gain.
    """
    front: list[T] = []
    best = float("-inf")
    for item in sorted(items, key=lambda each: (key(each)[0], -key(each)[1])):
        gain = key(item)[1]
        if gain > best:
            front.append(item)
            best = gain
    return front
