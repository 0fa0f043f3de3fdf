"""The data as Lightning wants it: training clips and dev videos of a prepared data set."""

from __future__ import annotations

from lightning import LightningDataModule

from vcc.config.data import ClipOptions
from vcc.data.clips.clip_loader import ClipLoader
from vcc.data.clips.loaders import train_loader, video_loader
from vcc.data.clips.protocol import ClipProtocol
from vcc.data.clips.train_clips import ClipBatch, TaughtBatch
from vcc.data.store.prepared import PreparedDataset


class ClipDataModule(LightningDataModule):
    """Gives the trainer a fresh training loader per epoch, and the dev videos.

    The trainer must run with `reload_dataloaders_every_n_epochs=1` (a loader serves one epoch) and
    `use_distributed_sampler=False` (processes share the videos by themselves).

    Args:
        dataset: prepared data.
        options: clips, augmentation, batch size, workers; `n_val_samples` clips of each dev video.
        protocol: which clips of a dev video.
        first_epoch: number of epochs that earlier phases of the same training ran.
        teacher: how a teacher's clips of the same moments are made; None without one.
    """

    def __init__(
        self,
        dataset: PreparedDataset,
        options: ClipOptions,
        protocol: ClipProtocol,
        *,
        first_epoch: int = 0,
        teacher: ClipOptions | None = None,
    ) -> None:
        super().__init__()
        self._dataset = dataset
        self._options = options
        self._protocol = protocol
        self._first_epoch = first_epoch
        self._teacher = teacher

    def train_dataloader(self) -> ClipLoader[ClipBatch | TaughtBatch]:
        """Return the current epoch's training clips, this process's share of them."""
        epoch = self.trainer.current_epoch if self.trainer is not None else 0
        rank, world_size = self._share()
        return train_loader(
            self._dataset,
            self._options,
            epoch=self._first_epoch + epoch,
            rank=rank,
            world_size=world_size,
            teacher=self._teacher,
        )

    def val_dataloader(self) -> ClipLoader[ClipBatch]:
        """Return clips of the dev videos, in order, this process's share of them."""
        return video_loader(
            self._dataset,
            "dev",
            self._protocol,
            n_threads=self._options.n_threads,
            clips_per_video=self._options.n_val_samples,
            share=self._share(),
        )

    def _share(self) -> tuple[int, int]:
        """Return (rank, number of processes)."""
        trainer = self.trainer
        return (trainer.global_rank, trainer.world_size) if trainer is not None else (0, 1)
