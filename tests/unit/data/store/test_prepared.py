"""Which prepared data set is meant, and where a relative folder was looked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from data_videos import prepare_tree, write_tree

from vcc.data.store.manifest import MANIFEST_NAME
from vcc.data.store.prepared import find_prepared, find_prepared_of
from vcc.errors import DataError


@pytest.mark.parametrize("dataset", [None, "clips"])
def test_missing_data_names_the_absolute_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dataset: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError) as caught:
        find_prepared(Path("data"), dataset)
    assert f"looked for in {tmp_path.resolve() / 'data'}" in str(caught.value)


def test_a_network_s_own_data_is_found_beside_newer_data(tmp_path: Path) -> None:
    sets = []
    for number, frames in enumerate((9, 10), start=1):
        root = tmp_path / f"made{number}"
        write_tree(root / "videos", groups=(1, 2, 8, 9), clips=1, frames=frames)
        made = prepare_tree(root, store="packed")
        folder = tmp_path / "data" / f"set{number}"
        folder.parent.mkdir(exist_ok=True)
        made.root.rename(folder)
        os.utime(folder / MANIFEST_NAME, (number, number))
        sets.append((folder, made))
    root = tmp_path / "data"
    (old, of_old), (new, _) = sets
    assert find_prepared(root).root == new
    assert find_prepared_of(root, name=of_old.name, digest=of_old.digest).root == old
    assert find_prepared_of(root, name=of_old.name, digest="other").root == new
    assert find_prepared_of(root, name="other", digest="other").root == new
    (new / MANIFEST_NAME).write_text("damaged")
    assert find_prepared_of(root, name=of_old.name, digest=of_old.digest).root == old
