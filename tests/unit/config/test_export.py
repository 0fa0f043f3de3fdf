"""What `provider` can be comes from the registered runtimes."""

from __future__ import annotations

from pathlib import Path

import pytest
from strangers import install_package

from vcc.config.export import (
    PRECISIONS,
    PROVIDERS,
    RUNTIMES,
    ExportOptions,
    precision_names,
    provider_names,
)
from vcc.errors import ConfigError


def test_providers_are_the_registered_ones() -> None:
    assert PROVIDERS == ("auto", "cpu", "cuda", "tensorrt", "openvino")
    with pytest.raises(ConfigError, match="provider: 'cpuu' is not one of auto, cpu"):
        ExportOptions(provider="cpuu")


def test_precisions_are_those_of_the_runtimes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert PRECISIONS == ("auto", "f32", "f16", "bf16")
    install_package(
        tmp_path,
        monkeypatch,
        RUNTIMES,
        "from types import SimpleNamespace\n"
        "from vcc.config.export import RUNTIMES\n"
        "RUNTIMES.add('toy', SimpleNamespace(precisions=('f32', 'f8')))\n",
    )
    assert precision_names() == (*PRECISIONS, "f8")


def test_a_package_that_fails_leaves_the_runtimes_of_vcc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_package(tmp_path, monkeypatch, RUNTIMES, "raise RuntimeError('too old')")
    assert provider_names() == PROVIDERS
    assert precision_names() == PRECISIONS
    with pytest.raises(ConfigError, match=r"package 'stranger' cannot be loaded \(too old\)"):
        RUNTIMES.get("cpu")
