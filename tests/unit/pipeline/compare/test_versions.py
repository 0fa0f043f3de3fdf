"""What the registry and the runs say of a version is found, and of no other."""

from __future__ import annotations

import pytest
from compared_registry import BASE, ComparedRegistry

from vcc.errors import TrackingError
from vcc.pipeline.compare.versions import ComparedVersion, TimedFile, find_compared

CPU = ("onnxruntime CPU", "f32")


def test_a_version_has_its_origin_its_files_and_its_aliases(
    read: tuple[ComparedVersion, ...],
) -> None:
    dense, thin, int8 = read
    assert [each.name for each in read] == ["toy-motion/1", "toy-motion/2", "toy-motion/3"]
    assert dense.is_dense
    assert (dense.stages, thin.stages, int8.stages) == ("", "masked, thinned", "quantized")
    # The champion's alias is on the exported file.
    assert (thin.aliases, int8.aliases) == (("champion",), ("challenger",))
    assert thin.is_champion
    assert thin.graph is not None
    assert thin.graph.uri == f"models:/{BASE}-onnx/2"
    assert thin.file_figure("size_bytes") == 2e6


def test_accuracy_has_the_interval_of_its_videos(read: tuple[ComparedVersion, ...]) -> None:
    accuracy = read[1].accuracy
    assert accuracy is not None
    assert accuracy.mean == 0.75
    # Wilson: 6 of 8.
    assert accuracy.low == pytest.approx(0.4093, abs=1e-4)
    assert accuracy.high == pytest.approx(0.9285, abs=1e-4)


def test_times_are_those_of_the_smallest_batch_with_the_dense_file_of_the_same_run(
    read: tuple[ComparedVersion, ...],
) -> None:
    dense, thin, _ = read
    assert dense.times == {CPU: TimedFile(ms=30.0)}
    assert thin.times == {CPU: TimedFile(ms=15.0, dense_ms=30.0)}
    assert thin.times[CPU].speed_up == 2.0
    assert dense.times[CPU].speed_up is None


def test_an_experiment_has_the_versions_that_its_runs_made(registry: ComparedRegistry) -> None:
    own = find_compared(name=None, experiment="toys")
    assert [each.version.number for each in own] == [1, 2]
    (other,) = find_compared(name=f"{BASE}-onnx", experiment=registry.other)
    assert other.version.number == 3


@pytest.mark.usefixtures("registry")
def test_what_is_not_there_is_said() -> None:
    with pytest.raises(TrackingError, match=r"name: .*'vcc-toy-motoin': did you mean vcc-toy-mot"):
        find_compared(name="vcc-toy-motoin", experiment=None)
    with pytest.raises(TrackingError, match=r"experiment: .* none named 'toy': did you mean toys"):
        find_compared(name=None, experiment="toy")
    with pytest.raises(TrackingError, match="'Default' at sqlite.* has no version .*: run train"):
        find_compared(name=None, experiment="Default")
