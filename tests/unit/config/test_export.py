"""What `provider` can be comes from the registered runtimes."""

from __future__ import annotations

from pathlib import Path

import pytest
from strangers import install_package

from vcc.config.export import PROVIDERS, RUNTIMES, ExportOptions, provider_names
from vcc.errors import ConfigError


def test_providers_are_the_registered_ones() -> None:
    assert PROVIDERS == ("auto", "cpu", "cuda", "tensorrt", "openvino")
    with pytest.raises(ConfigError, match="provider: 'cpuu' is not one of auto, cpu"):
        ExportOptions(provider="cpuu")


def test_a_package_that_fails_leaves_the_runtimes_of_vcc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_package(tmp_path, monkeypatch, RUNTIMES, "raise RuntimeError('too old')")
    assert provider_names() == PROVIDERS
    with pytest.raises(ConfigError, match=r"package 'stranger' cannot be loaded \(too old\)"):
        RUNTIMES.get("cpu")
