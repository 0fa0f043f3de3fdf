"""Callbacks out of order are reported at once, with what was due."""

from __future__ import annotations

import pytest

from vcc.compression.engine.call_order import CallOrder
from vcc.errors import ScheduleError

STEP = ("on_minibatch_begin", "before_backward_pass", "before_parameter_optimization",
        "on_minibatch_end")  # fmt: skip


def test_whole_epochs_pass_and_epochs_may_be_left_out() -> None:
    order = CallOrder()
    for epoch in (0, 1, 5):
        for callback in ("on_epoch_begin", *STEP, *STEP, "on_epoch_end"):
            order.check(callback, epoch)
    assert (order.last, order.epoch) == ("on_epoch_end", 5)


def test_accumulated_gradients_pass_backwards_several_times_before_one_step() -> None:
    order = CallOrder("on_minibatch_begin", 3)
    for _ in range(4):
        order.check("before_backward_pass", 3)
    order.check("before_parameter_optimization", 3)
    with pytest.raises(ScheduleError, match="where on_minibatch_end is due"):
        order.check("before_parameter_optimization", 3)


@pytest.mark.parametrize(
    ("last", "epoch", "callback", "named", "message"),
    [
        ("start", -1, "on_minibatch_begin", 0, r"\(0\) was called at the start, where on_epoch_be"),
        ("on_epoch_begin", 2, "on_minibatch_end", 2, r"after on_epoch_begin\(2\), where on_minib"),
        ("on_minibatch_end", 2, "on_epoch_begin", 3, "where on_minibatch_begin or on_epoch_end is"),
        ("on_epoch_begin", 2, "on_minibatch_begin", 1, "epoch 1 was named within epoch 2"),
        ("on_epoch_end", 2, "on_epoch_begin", 2, "epoch 2 begins after epoch 2; epochs are absol"),
        ("start", -1, "on_epoch_begin", -1, "epoch -1 begins after epoch -1"),
    ],
)
def test_a_callback_out_of_order_changes_nothing(
    last: str, epoch: int, callback: str, named: int, message: str
) -> None:
    order = CallOrder(last, epoch)
    with pytest.raises(ScheduleError, match=message):
        order.check(callback, named)
    assert (order.last, order.epoch) == (last, epoch)
