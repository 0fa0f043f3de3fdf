"""Official splits of data that were prepared once: as if each had been prepared."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from data_videos import write_tree

from vcc.config.data import PrepareOptions
from vcc.data.prepare.official import split_datasets
from vcc.data.prepare.run import prepare
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import DataError

# Of the official test groups 1-7, 8-14 and 15-21 two each, and some that are never tested.
GROUPS = (1, 2, 8, 9, 15, 16, 22, 23)


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> PrepareOptions:
    root = tmp_path_factory.mktemp("official")
    write_tree(root / "videos", groups=GROUPS)
    return PrepareOptions(
        videos=root / "videos", output=root / "data", dataset="d", n_jobs=1, dev_share=0.3
    )


@pytest.fixture(scope="module")
def dataset(options: PrepareOptions) -> PreparedDataset:
    return PreparedDataset.open(prepare(options).root)


def subsets(dataset: PreparedDataset) -> dict[str, str]:
    return {record.id: record.subset for record in dataset.manifest.videos}


def test_a_split_is_what_prepare_would_make_of_it(
    dataset: PreparedDataset, options: PrepareOptions, tmp_path: Path
) -> None:
    first, second = split_datasets(dataset, options, (1, 2))
    assert subsets(first) == subsets(dataset)
    other = dataclasses.replace(options, split=2, output=tmp_path / "second")
    assert subsets(second) == subsets(PreparedDataset.open(prepare(other).root))
    assert second.split == "split2"
    record = second.videos("test")[0]
    assert second.frame_list(record, [0])[0].shape == (record.height, record.width, 3)


def test_dev_is_drawn_from_training_by_whole_groups(
    dataset: PreparedDataset, options: PrepareOptions
) -> None:
    for part in split_datasets(dataset, options, (1, 2, 3)):
        groups = {name: {v.group for v in part.videos(name)} for name in ("train", "dev", "test")}
        assert groups["dev"]
        assert not groups["dev"] & (groups["train"] | groups["test"])
        assert not groups["train"] & groups["test"]


def test_what_is_not_stored_is_in_no_split(
    dataset: PreparedDataset, options: PrepareOptions
) -> None:
    kept = dataset.manifest.videos[1:]
    smaller = PreparedDataset(dataset.root, dataclasses.replace(dataset.manifest, videos=kept))
    (part,) = split_datasets(smaller, options, (2,))
    assert len(part.manifest.videos) == len(kept)


def test_lists_of_one_split_have_no_other(
    dataset: PreparedDataset, options: PrepareOptions, tmp_path: Path
) -> None:
    lists = tmp_path / "lists_01.json"
    entries = ", ".join(
        f'"{r.id}": {{"subset": "{"validation" if r.subset == "test" else "training"}", '
        f'"annotations": {{"label": "{r.label_name}"}}}}'
        for r in dataset.manifest.videos
    )
    lists.write_text(f'{{"labels": ["run", "walk"], "database": {{{entries}}}}}')
    with_list = dataclasses.replace(options, annotation=lists)
    assert len(split_datasets(dataset, with_list, (1,))) == 1
    with pytest.raises(DataError, match=r"lists_01.json: no official split 2 there, but 'split1'"):
        split_datasets(dataset, with_list, (2,))


def test_a_class_without_test_videos_is_named(
    dataset: PreparedDataset, options: PrepareOptions
) -> None:
    kept = [r for r in dataset.manifest.videos if (r.label, r.subset) != (1, "test")]
    manifest = dataclasses.replace(dataset.manifest, videos=tuple(kept))
    with pytest.raises(DataError, match="split1 of d has no test videos of walk: add videos"):
        split_datasets(PreparedDataset(dataset.root, manifest), options, (1,))
