"""Finds what an entry point starts from: prepared data, and a registered network that fits it."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from vcc.config.networks.builders import is_builder, read_builder
from vcc.config.networks.family import FAMILIES, option_names
from vcc.config.tracking import SourceOptions
from vcc.data.store.prepared import PreparedDataset, find_prepared, find_prepared_of
from vcc.errors import ModelError, TrackingError
from vcc.models import list_models
from vcc.models.checkpoint import ARCH_FILE, load_checkpoint, read_spec
from vcc.pipeline.card import Network, NetworkCard
from vcc.pipeline.next_command import entry_command
from vcc.pipeline.tags import FAMILY_TAG, allowed_by, model_tags
from vcc.tracking.registry import Version, download_checkpoint, get_version, list_versions


@dataclass(frozen=True, kw_only=True)
class SourceNetwork:
    """A network to start from, the data it was trained on, and its registered version if any."""

    network: Network
    dataset: PreparedDataset
    version: Version | None

    @property
    def of_another_split(self) -> bool:
        """Whether the network was trained on test videos of the data, see `find_source`."""
        card = self.network.card
        return card.dataset == self.dataset.name and card.split != self.dataset.split


def name_of(source: SourceNetwork) -> str:
    """Return what messages call a source: its version's URI, or its architecture."""
    return source.version.uri if source.version else source.network.card.arch


def find_source(
    options: SourceOptions, *, alias: str | None, force_split: bool = False
) -> SourceNetwork:
    """Find the network and the data that the options mean.

    Args:
        options: unset ones match anything.
        alias: the alias a registered version must have; None takes the newest version.
        force_split: take a network that was trained on another split of the data, too.

    Raises:
        DataError: nothing is prepared, or the data is another split than the network's.
        TrackingError: no registered version matches, or several do.
        ModelError: the checkpoint does not load, or knows other classes.
    """
    version: Version | None
    if options.source is None:
        dataset = find_prepared(options.root_path, options.dataset)
        version = search_version(options, dataset, alias=alias)
        network = fetch_network(version)
    else:
        network, version = named_network(options.source)
        dataset = _data_for(network.card, options)
    _check_labels(network.card, dataset)
    dataset.check_split(name=network.card.dataset, split=network.card.split, force=force_split)
    return SourceNetwork(network=network, dataset=dataset, version=version)


def named_network(source: str) -> tuple[Network, Version | None]:
    """Load the network of `models:/...` or of a checkpoint folder, with its version if any.

    Raises:
        TrackingError: there is no such version.
        ModelError: it is not a complete checkpoint of this project.
    """
    if not source.startswith("models:/"):
        return load_network(Path(source)), None
    version = get_version(source)
    return fetch_network(version), version


def _data_for(card: NetworkCard, options: SourceOptions) -> PreparedDataset:
    """Open the data set that the options name, or the one that the network was trained on."""
    if options.dataset is not None:
        return find_prepared(options.root_path, options.dataset)
    return find_prepared_of(options.root_path, name=card.dataset, digest=card.data_digest)


def load_network(folder: Path) -> Network:
    """Load a checkpoint folder with its card.

    Raises:
        ModelError: it is not a complete checkpoint of this project.
    """
    checkpoint = load_checkpoint(folder)
    card = NetworkCard.from_metadata(checkpoint.metadata, where=str(folder))
    spec = checkpoint.model.spec
    if len(card.labels) != spec.n_classes:
        msg = (
            f"{folder}: its metadata names {len(card.labels)} classes, its network has "
            f"{spec.n_classes}: restore the checkpoint"
        )
        raise ModelError(msg)
    return Network(model=checkpoint.model.eval(), card=card)


def fetch_network(version: Version) -> Network:
    """Download a registered checkpoint and load it."""
    with _downloaded(version) as folder:
        return load_network(folder)


def fetch_parent(card: NetworkCard) -> Network | None:
    """Download the network that a card's network was made from; None for a dense one."""
    return fetch_network(get_version(card.parent)) if card.parent else None


@contextlib.contextmanager
def _downloaded(version: Version, file: str = "") -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield download_checkpoint(version, into=Path(folder), file=file)


def search_version(
    options: SourceOptions, dataset: PreparedDataset, *, alias: str | None
) -> Version:
    """Return the newest registered version of an architecture that was trained on a data set.

    Args:
        options: the architecture; unset ones match any.
        dataset: by name and digest.
        alias: that the version must have, if any.

    Raises:
        ModelError: the family is unknown.
        TrackingError: nothing matches, or several architectures do.
    """
    if is_builder(options.model):
        read_builder(options.model)
    elif options.model not in list_models():
        known = ", ".join(list_models())
        msg = f"model: {options.model!r} is not a known family: known: {known}"
        raise ModelError(msg)
    registered = list_versions(dataset=dataset.name)
    fitting = [
        version
        for version in registered
        if version.tags.get("data_digest") == dataset.digest
        and (alias is None or alias in version.aliases)
        and allowed_by(options, _spec_tags(version))
    ]
    names = sorted({version.name for version in fitting})
    if not fitting:
        raise TrackingError(_none_found(options, dataset, registered, alias=alias))
    if len(names) > 1:
        by = (
            ("model_args",)
            if is_builder(options.model)
            else option_names(FAMILIES.get(options.model))[:-1]
        )
        msg = (
            f"several registered models match {options.model}: {', '.join(names)}: choose one by "
            f"{', '.join(by)}, or by source"
        )
        raise TrackingError(msg)
    return fitting[0]


def _spec_tags(version: Version) -> Mapping[str, str]:
    """Return the tags that say which network a version is."""
    if FAMILY_TAG in version.tags:
        return version.tags
    # Registered before they were set: its checkpoint says the same.
    with _downloaded(version, ARCH_FILE) as file:
        return model_tags(read_spec(file))


def _none_found(
    options: SourceOptions,
    dataset: PreparedDataset,
    registered: list[Version],
    *,
    alias: str | None,
) -> str:
    what = f"{alias} of {options.model}" if alias else f"version of {options.model}"
    others = sorted({version.name for version in registered})
    same = all(version.tags.get("data_digest") == dataset.digest for version in registered)
    other = "" if same else ", perhaps on other data"
    hint = f" (registered for {dataset.name}{other}: {', '.join(others)})"
    remedy = f"train one with `{entry_command('train', {'model': options.model})}`"
    if alias not in (None, "baseline") and others:
        remedy = f"leave alias out for the newest version, or give one the alias {alias}"
        if alias == "champion":
            remedy = f"{remedy}: `mlflow run . -e promote --env-manager local`"
    return (
        f"no {what} is registered for the data set {dataset.name} ({dataset.digest[:12]})"
        f"{hint if others else ''}: {remedy}"
    )


def _check_labels(card: NetworkCard, dataset: PreparedDataset) -> None:
    if card.labels != dataset.labels:
        msg = (
            f"the network knows {len(card.labels)} classes of {card.dataset}, the data set "
            f"{dataset.name} has other ones: choose the data set it was trained on by dataset"
        )
        raise ModelError(msg)
