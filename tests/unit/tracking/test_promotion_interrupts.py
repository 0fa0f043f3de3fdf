"""Promotions broken off at random calls, anywhere in what they call, and again while undoing."""

from __future__ import annotations

import functools
import os
import random
import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from limits import LONG_TEST_S
from mlflow.exceptions import MlflowException
from registry_toys import BASE, ToyRegistry

from vcc.tracking import promotion
from vcc.tracking.promotion import holder_of, make_champion
from vcc.tracking.promotion_lock import LOCK_SUFFIX, places_of, undo_killed
from vcc.tracking.registry import Version, get_version, registered_models

COUNT = int(os.environ.get("VCC_KILLS", "20"))


class Interrupted(BaseException):
    """As an interrupt: no handler of errors sees it."""


class Interrupts:
    """Raises at a call of a promotion's work, and at one of its undoing where that is asked for.

    Args:
        first: number of the call, from 1; None for none.
        second: the same, counted from where undoing begins.
    """

    def __init__(self, first: int | None = None, second: int | None = None) -> None:
        self._points = [first, second]
        self.made = 0
        self.raised = 0

    def meet(self, target: Version, held: Version | None) -> None:
        """Promote."""
        undo = promotion._restore
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(promotion, "_restore", lambda *words: self._next(undo, *words))
            try:
                self._next(make_champion, target, instead_of=held)
            except Interrupted:
                pass
            except MlflowException as error:
                # Broken off inside of SQLite's driver, its reader can be open still: the database
                # is locked then for what would give up the lock, which the next call does.
                if not self.raised or "database is locked" not in str(error):
                    raise
            finally:
                sys.setprofile(None)

    def _next(self, work: Callable[..., object], *words: Any, **more: Any) -> None:
        point, self.made = self._points.pop(0), 0
        sys.setprofile(functools.partial(self._count, point))
        work(*words, **more)

    def _count(self, point: int | None, _frame: object, event: str, _argument: Any) -> None:
        if event not in ("call", "c_call"):
            return
        self.made += 1
        if self.made == point:
            # Python takes out a profiler that raises.
            self.raised += 1
            raise Interrupted


def champion(number: int) -> Version:
    return get_version(f"models:/{BASE}-video/{number}")


@pytest.mark.slow
@pytest.mark.timeout(LONG_TEST_S)
def test_an_interrupt_at_any_call_moves_all_or_nothing(toy: ToyRegistry) -> None:
    before = places_of(BASE)
    whole = Interrupts()
    whole.meet(champion(3), holder_of(BASE, "champion"))
    after = places_of(BASE)
    assert before != after
    raised = [meet_one(toy, case, whole.made, (before, after)) for case in range(COUNT)]
    assert sum(raised) >= COUNT // 2


def meet_one(toy: ToyRegistry, case: int, calls: int, allowed: Sequence[object]) -> int:
    """Break one promotion off, check what is left, and promote; return how often it was so."""
    toy.alias("previous", 1)
    toy.alias("champion", 2)
    rng = random.Random(case)
    # Every second case is interrupted again while it undoes what it did.
    second = rng.randrange(1, calls // 4) if case % 2 else None
    interrupts = Interrupts(rng.randrange(1, calls), second)
    interrupts.meet(champion(3), holder_of(BASE, "champion"))
    undo_killed(BASE)
    assert places_of(BASE) in allowed, case
    assert BASE + LOCK_SUFFIX not in {m.name for m in registered_models()}, case
    if holder_of(BASE, "champion") != champion(3):
        make_champion(champion(3), instead_of=holder_of(BASE, "champion"))
    assert places_of(BASE)["-video", "champion"] == 3
    return interrupts.raised
