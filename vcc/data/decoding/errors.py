"""What is wrong with a video."""

from __future__ import annotations

from vcc.errors import DataError


class BadVideoError(DataError):
    """A video that cannot be used; the message is the reason alone, for the report's list."""
