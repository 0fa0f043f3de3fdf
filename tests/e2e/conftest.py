"""One registered network for the end-to-end tests of a process: exporting one takes seconds."""

from __future__ import annotations

import pytest
from served_network import Registered, registered_network


@pytest.fixture(scope="session")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Registered:
    """A small network: prepared data, checkpoint, exported file, registered versions."""
    return registered_network(tmp_path_factory.mktemp("registered"))
