"""The weights that a training starts from, and whether they and the data agree on the classes."""

from __future__ import annotations

from vcc.config.training import FinetuneOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ConfigError
from vcc.models.checkpoint import ARCH_FILE, read_metadata
from vcc.models.network import VideoNetwork
from vcc.models.weights import LoadReport, load_weights
from vcc.pipeline.train.published import check_published, weights_file
from vcc.training.finetuning import choose_trained


def check_class_count(asked: int | None, dataset: PreparedDataset) -> None:
    """Refuse a `n_classes` that is not the data's.

    Raises:
        ConfigError: the two differ.
    """
    if asked is not None and asked != len(dataset.labels):
        msg = (
            f"n_classes: {asked} asked for, but {dataset.name} has {len(dataset.labels)} classes: "
            "leave it out"
        )
        raise ConfigError(msg)


def start_from(
    network: VideoNetwork, dataset: PreparedDataset, finetune: FinetuneOptions, *, resumed: bool
) -> None:
    """Load the weights that a training starts from and freeze what it leaves alone.

    Args:
        network: changed in place.
        dataset: whose classes it is to tell apart.
        finetune: which weights, and which part of the network changes.
        resumed: whether a checkpoint will bring all weights anyway.

    Raises:
        ConfigError: it names classes that the data or the file has not, or no layer.
        ModelError: the file's weights do not fit.
    """
    asked = finetune.n_finetune_classes
    if finetune.pretrain_path is None:
        if asked is not None:
            msg = "n_finetune_classes: replaces the head of given weights: set pretrain_path too"
            raise ConfigError(msg)
        if finetune.no_train:
            msg = "no_train: there are no weights to take: set pretrain_path too"
            raise ConfigError(msg)
    else:
        if asked is not None and asked != len(dataset.labels):
            msg = (
                f"n_finetune_classes: {asked} asked for, but {dataset.name} has "
                f"{len(dataset.labels)} classes"
            )
            raise ConfigError(msg)
        # A checkpoint to resume from brings all weights; the file may be gone by then.
        if not resumed:
            spec = network.spec
            path = weights_file(spec.family, finetune.pretrain_path)
            report = load_weights(network, path, replace_head=asked is not None)
            check_published(spec.family, spec.sample_size, dataset.labels, head_kept=asked is None)
            _check_file_classes(report, finetune)
    choose_trained(network, finetune.ft_portion)


def seen_before(finetune: FinetuneOptions | None) -> str | None:
    """Return which videos the given weights were trained on, None where they do not say it.

    A checkpoint folder says it, in the form of `vcc.data.store.contents`; a file of weights does
    not. They must count as seen: the data may have been split in another way since.

    Raises:
        ModelError: the checkpoint is damaged.
    """
    path = finetune.pretrain_path if finetune else None
    if path is None or not (path / ARCH_FILE).is_file():
        return None
    seen = read_metadata(path).get("train_videos")
    return seen if isinstance(seen, str) else None


def _check_file_classes(report: LoadReport, finetune: FinetuneOptions) -> None:
    """Refuse a `n_classes` that is not the given file's, where its head is replaced."""
    asked, found = finetune.n_classes, report.file_classes
    if finetune.n_finetune_classes is not None and None not in (asked, found) and asked != found:
        msg = f"n_classes: {asked} asked for, but {report.path} has {found} classes: leave it out"
        raise ConfigError(msg)
