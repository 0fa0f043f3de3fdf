"""A plan's names for people."""

from __future__ import annotations

from pathlib import Path

import pytest

from vcc.data.prepare.plan import name_below


def test_a_file_is_named_by_its_path_below_the_videos() -> None:
    assert name_below(Path("/videos/run/a b.avi"), Path("/videos")) == "run/a b.avi"
    assert name_below(Path("videos/a.avi"), Path("videos")) == "a.avi"


def test_a_file_from_elsewhere_has_no_such_name() -> None:
    with pytest.raises(ValueError, match="elsewhere"):
        name_below(Path("/elsewhere/a.avi"), Path("/videos"))
