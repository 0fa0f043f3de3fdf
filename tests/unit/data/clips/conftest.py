"""Data for tests of clips."""

from __future__ import annotations

import pytest
from clip_batches import clip_dataset

from vcc.data.store.prepared import PreparedDataset


@pytest.fixture(scope="session")
def clip_data(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    """A prepared data set that no test changes."""
    return clip_dataset(tmp_path_factory.mktemp("clips"))
