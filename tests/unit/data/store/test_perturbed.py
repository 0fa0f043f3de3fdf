"""Videos as worse recordings show them: what changes, what stays, and that nothing varies."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from data_videos import prepare_tree, write_tree

from vcc.config.data import PERTURBATIONS as NAMES
from vcc.data.clips.loaders import video_loader
from vcc.data.clips.protocol import ClipProtocol
from vcc.data.clips.resizing import Frame
from vcc.data.store.perturbed import PERTURBATIONS, PerturbedDataset
from vcc.data.store.prepared import PreparedDataset

PROTOCOL = ClipProtocol(sample_size=24, sample_duration=4)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    root = tmp_path_factory.mktemp("perturbed")
    write_tree(root / "videos", groups=(1, 8, 9), frames=40)
    return prepare_tree(root, store="raw")


def frames_of(dataset: PreparedDataset, numbers: list[int]) -> list[Frame]:
    return dataset.frame_list(dataset.videos("test")[0], numbers)


def changed(dataset: PreparedDataset, name: str) -> PerturbedDataset:
    return PerturbedDataset(dataset, PERTURBATIONS[name])


def shown(dataset: PreparedDataset, name: str) -> list[int]:
    """Return which of a video's frames are shown in the place of each."""
    (plain,) = {record.n_frames for record in dataset.videos("test")[:1]}
    every = frames_of(dataset, list(range(plain)))
    there = changed(dataset, name)
    count = there.videos("test")[0].n_frames
    return [
        next(number for number, frame in enumerate(every) if (frame == given).all())
        for given in frames_of(there, list(range(count)))
    ]


def test_every_name_of_the_options_is_one() -> None:
    assert tuple(PERTURBATIONS) == NAMES


def test_half_the_rate_is_every_second_frame(dataset: PreparedDataset) -> None:
    assert shown(dataset, "half_rate") == list(range(0, 41, 2))


def test_a_lost_frame_shows_the_last_that_came(dataset: PreparedDataset) -> None:
    numbers = shown(dataset, "lost_frames")
    assert numbers[0] == 0
    assert len(numbers) == 41
    lost = [place for place, number in enumerate(numbers) if number != place]
    assert lost
    assert all(numbers[place] == numbers[place - 1] for place in lost)
    assert len(lost) < 12


def test_a_tenth_is_lost() -> None:
    record = type("Record", (), {"id": "v", "n_frames": 20_000})()
    numbers = PERTURBATIONS["lost_frames"].numbers(record, np.arange(20_000))
    assert np.mean(numbers != np.arange(20_000)) == pytest.approx(0.1, abs=0.01)


def test_one_frame_is_the_clip_s_middle(dataset: PreparedDataset) -> None:
    (middle,) = frames_of(dataset, [7])
    for frame in frames_of(changed(dataset, "one_frame"), [3, 5, 7, 9]):
        assert (frame == middle).all()


def test_pixels_change_as_they_are_called(dataset: PreparedDataset) -> None:
    (plain,) = frames_of(dataset, [0])
    (bright,), (dark,), (mirrored,), (coarse,) = (
        frames_of(changed(dataset, name), [0])
        for name in ("brighter", "darker", "mirrored", "jpeg30")
    )
    level = plain.astype(float)
    assert np.abs(bright - np.minimum(255, 1.3 * level)).max() < 0.51
    assert np.abs(dark - 0.7 * level).max() < 0.51
    assert (mirrored == plain[:, ::-1]).all()
    assert (plain == frames_of(dataset, [0])[0]).all()
    # As much as JPEG of this quality loses, and in the right channels.
    assert 0 < np.abs(coarse - level).mean() < 20
    assert np.abs(coarse - level[:, :, ::-1]).mean() > 2 * np.abs(coarse - level).mean()


@pytest.mark.parametrize("name", NAMES)
def test_every_call_and_every_copy_gives_the_same(dataset: PreparedDataset, name: str) -> None:
    made = changed(dataset, name)
    copied = pickle.loads(pickle.dumps(made))
    batches = [
        list(video_loader(each, "test", PROTOCOL, n_threads=0)) for each in (made, copied, made)
    ]
    for other in batches[1:]:
        assert all((a.clips == b.clips).all() for a, b in zip(batches[0], other, strict=True))
    plain = list(video_loader(dataset, "test", PROTOCOL, n_threads=0))
    assert batches[0][0].clips.shape[1:] == plain[0].clips.shape[1:]
    count = min(len(batches[0][0].clips), len(plain[0].clips))
    assert not (batches[0][0].clips[:count] == plain[0].clips[:count]).all()
    assert [v.id for v in made.videos("test")] == [v.id for v in dataset.videos("test")]
