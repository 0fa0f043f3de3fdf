"""Steps timed in turns, and the fastest of them."""

from __future__ import annotations

from precision_toys import BF16, LAST, LOSS, Clocked, Seconds, batch, options, with_a_fault
from torch import nn

from vcc.training.precision.budget import TimeBudget
from vcc.training.precision.settings import PrecisionPlan
from vcc.training.precision.timing import PrecisionCandidate, fastest, time_steps


def rounds(ms: float, spread: float = 0.0) -> tuple[float, ...]:
    return (ms - spread, ms, ms + spread)


def test_the_fastest_that_is_clearly_faster_wins_and_else_plain_fp32() -> None:
    plain = PrecisionCandidate(PrecisionPlan(), rounds_ms=rounds(100, 10))
    last = PrecisionCandidate(PrecisionPlan(LAST), rounds_ms=rounds(80, 5))
    mixed = PrecisionCandidate(
        PrecisionPlan(BF16), rounds_ms=rounds(50), refused="its gradients are not finite"
    )
    assert fastest([plain, last, mixed]) is last
    within = PrecisionCandidate(PrecisionPlan(LAST), rounds_ms=rounds(80, 10))
    little = PrecisionCandidate(PrecisionPlan(LAST), rounds_ms=rounds(96))
    once = PrecisionCandidate(PrecisionPlan(LAST), rounds_ms=(50.0,))
    refused = PrecisionCandidate(PrecisionPlan(LAST), refused="3 wrong in fp32 too")
    for other in (within, once, refused):
        assert fastest([plain, other]) is plain
    assert (
        fastest([PrecisionCandidate(PrecisionPlan(), rounds_ms=rounds(100)), little]).plan
        == PrecisionPlan()
    )


def test_a_step_that_is_far_behind_is_ended_between_two_layers() -> None:
    clock = Seconds()
    slow = nn.Sequential(*(nn.Sequential(Clocked(clock, 10.0)) for _ in range(9)))
    network = nn.Sequential(slow, nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(3, 2))
    budget = TimeBudget(clock)
    budget.pace(5.0, steps=1000)
    clips, labels = batch()
    plain, last = time_steps(
        network,
        clips,
        labels,
        [PrecisionCandidate(PrecisionPlan()), PrecisionCandidate(PrecisionPlan(LAST))],
        loss=LOSS,
        options=options("auto"),
        budget=budget,
    )
    assert plain.refused == last.refused == "far behind in its first step"
    assert clock.now == 40.0


def test_steps_are_timed_and_gradients_that_are_not_finite_refused() -> None:
    network, (clips, labels) = with_a_fault(), batch()
    candidates = [
        PrecisionCandidate(PrecisionPlan()),
        PrecisionCandidate(PrecisionPlan(LAST), refused="0 wrong in fp32 too"),
    ]

    def timed() -> list[PrecisionCandidate]:
        return time_steps(
            network,
            clips,
            labels,
            candidates,
            loss=LOSS,
            options=options("auto"),
            budget=TimeBudget(),
        )

    (plain, last) = timed()
    assert (plain.step_ms or 0) > 0
    assert last == candidates[1]
    nn.init.constant_(network[8].bias, float("nan"))
    assert timed()[0].refused == "its gradients are not finite"
