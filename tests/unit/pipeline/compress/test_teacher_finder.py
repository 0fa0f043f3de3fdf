"""A teacher by folder and file (tests/e2e: by registry); what cannot teach is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from prepared_networks import network_for
from torch import Tensor

from vcc.config.distillation import DistillationOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ConfigError, ModelError
from vcc.models.checkpoint import save_checkpoint
from vcc.pipeline.card import Network
from vcc.pipeline.compress.teacher import TeacherFinder


def pixels() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (2, 3, 4, 16, 16), generator=generator, dtype=torch.uint8)


@pytest.fixture(scope="module")
def taught(dataset: PreparedDataset) -> Network:
    """Return the teacher: another depth than the student's, so that it is told from a baseline."""
    torch.manual_seed(7)
    return network_for(dataset, model_depth=18)


@pytest.fixture
def finder(dataset: PreparedDataset, network: Network) -> Any:
    def made(**options: Any) -> TeacherFinder:
        return TeacherFinder(network, dataset, DistillationOptions(**options))

    return made


def says_the_same(found: Any, taught: Network) -> bool:
    with torch.no_grad():
        return torch.allclose(
            found(pixels()), taught.classifier().eval()(pixels()), rtol=1e-5, atol=1e-6
        )


def test_a_checkpoint_folder_teaches(taught: Network, finder: Any, tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path / "teacher", taught.model, taught.card.as_metadata())
    assert says_the_same(finder()(str(folder)), taught)
    assert says_the_same(finder(t_path=str(folder))(None), taught)
    with pytest.raises(ModelError, match="nowhere"):
        finder()(str(tmp_path / "nowhere"))


def test_a_file_of_weights_teaches_with_its_architecture(
    taught: Network, finder: Any, tmp_path: Path
) -> None:
    path = tmp_path / "teacher.pth"
    torch.save({"state_dict": taught.model.state_dict()}, path)
    named = {"path": str(path), "model": "resnet", "model_depth": 18, "width_mult": 0.125}
    assert says_the_same(finder()(named), taught)
    options = {"t_path": str(path), "t_model": "resnet", "t_model_depth": 18}
    assert says_the_same(finder(**options, t_width_mult=0.125)(None), taught)
    with pytest.raises(ConfigError, match="which network is it of"):
        finder()(str(path))
    with pytest.raises(ModelError):
        finder()({**named, "model_depth": 10})


def test_without_a_name_the_dense_network_teaches_its_own_copy(
    network: Network, finder: Any
) -> None:
    found = finder()(None)
    assert says_the_same(found, network)
    with torch.no_grad():
        network.model.get_parameter("fc.weight").zero_()
    # the student is changed in place; its teacher is not
    assert not says_the_same(found, network)


def test_a_teacher_gets_clips_of_the_size_it_was_trained_on(
    taught: Network, finder: Any, tmp_path: Path
) -> None:
    folder = save_checkpoint(tmp_path / "teacher", taught.model, taught.card.as_metadata())
    found = finder(t_path=str(folder), t_sample_size=24, t_sample_duration=8)(None)
    assert found.clip_shape == (3, 8, 24, 24)
    assert found(pixels()).shape == (2, 2)


def test_a_teacher_must_know_the_same_classes(taught: Network, finder: Any, tmp_path: Path) -> None:
    metadata = {**taught.card.as_metadata(), "labels": ["swim", "run"]}
    folder = save_checkpoint(tmp_path / "other", taught.model, metadata)
    with pytest.raises(ModelError, match="the same classes"):
        finder()(str(folder))
    with pytest.raises(ConfigError, match="t_n_classes: 9"):
        finder(t_n_classes=9)(None)
