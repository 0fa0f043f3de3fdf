"""The data as Lightning asks for it."""

from __future__ import annotations

from clip_batches import equal, options

from vcc.data.clips.datamodule import ClipDataModule
from vcc.data.clips.loaders import train_loader, video_loader
from vcc.data.clips.protocol import ClipProtocol
from vcc.data.store.prepared import PreparedDataset


class Trainer:
    """The second of two processes, in its third epoch."""

    current_epoch = 2
    global_rank = 1
    world_size = 2


def test_data_module(clip_data: PreparedDataset) -> None:
    protocol = ClipProtocol(24, 4)
    module = ClipDataModule(clip_data, options(n_val_samples=2), protocol, first_epoch=3)
    assert equal(list(module.train_dataloader()), list(train_loader(clip_data, options(), epoch=3)))
    assert sum(len(b.labels) for b in module.val_dataloader()) == 2 * len(clip_data.videos("dev"))


def test_data_module_counts_epochs_with_the_trainer(clip_data: PreparedDataset) -> None:
    module = ClipDataModule(clip_data, options(), ClipProtocol(24, 4), first_epoch=1)
    module.trainer = Trainer()  # type: ignore[assignment]
    expected = train_loader(clip_data, options(), epoch=3, rank=1, world_size=2)
    assert equal(list(module.train_dataloader()), list(expected))


def test_a_process_has_its_share_of_the_dev_videos(clip_data: PreparedDataset) -> None:
    protocol = ClipProtocol(24, 4)
    module = ClipDataModule(clip_data, options(n_val_samples=1), protocol)
    module.trainer = Trainer()  # type: ignore[assignment]
    expected = video_loader(
        clip_data, "dev", protocol, n_threads=0, clips_per_video=1, share=(1, 2)
    )
    assert equal(list(module.val_dataloader()), list(expected))


def test_a_teacher_s_clips_come_too(clip_data: PreparedDataset) -> None:
    teacher = options(sample_size=16)
    module = ClipDataModule(clip_data, options(), ClipProtocol(24, 4), teacher=teacher)
    batch = next(iter(module.train_dataloader()))
    assert len(batch) == 4
    assert batch[3].shape == (5, 3, 4, 16, 16)
