"""The target of a search: a limit on one of the prices of a candidate."""

from __future__ import annotations

from dataclasses import dataclass

from vcc.config.search import DROP, SearchOptions
from vcc.errors import ScheduleError


@dataclass(frozen=True, kw_only=True)
class Price:
    """What a network costs.

    Attributes:
        latency_ms: of a clip on the runtime.
        macs: share of the dense network's multiply-accumulates.
        size_mb: of the exported file, 10^6 bytes.
    """

    latency_ms: float
    macs: float
    size_mb: float


@dataclass(frozen=True, kw_only=True)
class Target:
    """A limit.

    Attributes:
        option: that set it.
        asked: its value.
        limit: of the price's `figure`.
        figure: an attribute of `Price`.
        unit: of the figure, after a number.
        drop: of dev video top-1, where that is what was asked for: what costs no more is then the
            better the cheaper it is; None: what is within the limit is the better the more
            accurate it is.
    """

    option: str
    asked: float
    limit: float
    figure: str
    unit: str
    drop: float | None = None

    @property
    def is_latency(self) -> bool:
        """Whether it limits a time, which can be measured."""
        return self.figure == "latency_ms"

    @property
    def is_speed_up(self) -> bool:
        """Whether it is a ratio of two times, which count if they were measured in turns."""
        return self.option == "target_speedup"

    def of(self, price: Price) -> float:
        """Return what a price is by the limited figure."""
        return float(getattr(price, self.figure))

    def violation(self, price: Price) -> float:
        """Return by which share of the limit a price is above it; 0 and less: it holds."""
        return self.of(price) / self.limit - 1

    def text(self, price: Price) -> str:
        """Return a price in words, such as "3.91 ms"."""
        return f"{self.of(price):.4g} {self.unit}"

    def words(self) -> str:
        """Return the limit in words, such as "at most 4 ms"."""
        most = f"at most {self.limit:.4g} {self.unit}"
        if self.drop is None:
            return most
        return f"{most}, as the dense network takes, at a drop of {self.drop:g} or less"

    def note(self, dense: Price) -> str:
        """Return what to know of a target that the dense network meets itself, "" of others."""
        if self.drop is not None or self.violation(dense) > 0:
            return ""
        return (
            f"{self.option}: {self.asked:g} is met by the dense network itself, which takes "
            f"{self.text(dense)}: `export` is enough, or ask for more"
        )

    def require(self, least: Price, *, where: str) -> None:
        """Refuse a target that not even the smallest candidate meets.

        Args:
            least: what that costs.
            where: the runtime and what else bounds it, for the message.

        Raises:
            ScheduleError: it costs more.
        """
        if self.violation(least) > 0:
            msg = (
                f"{self.option}: {self.asked:g} cannot be met: it allows {self.limit:.4g} "
                f"{self.unit}, and the smallest candidate takes {self.text(least)} ({where}): ask "
                "for less, or start from a smaller network or cheaper clips"
            )
            raise ScheduleError(msg)


def target_of(options: SearchOptions, *, eager_ms: float, dense_ms: float = 0.0) -> Target:
    """Return the target that the options set.

    Args:
        options: have one.
        eager_ms: time of a clip of the dense network in PyTorch, which a speed-up is against.
        dense_ms: that of its file on the runtime, which is the limit where only a drop is given.
    """
    option, asked = options.target
    if option == DROP:
        return Target(
            option=option,
            asked=asked,
            limit=dense_ms,
            figure="latency_ms",
            unit="ms",
            drop=asked,
        )
    if option == "target_macs":
        figure, unit, limit = "macs", "of the dense network's MACs", asked
    elif option == "target_size_mb":
        figure, unit, limit = "size_mb", "MB", asked
    else:
        limit = eager_ms / asked if option == "target_speedup" else asked
        figure, unit = "latency_ms", "ms"
    return Target(option=option, asked=asked, limit=limit, figure=figure, unit=unit)
