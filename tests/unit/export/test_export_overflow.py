"""Files say whether their sums can saturate, and what runs them looks at the processor."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from export_networks import SHAPE, classifier, dense, pixels, quantized
from onnx import numpy_helper

from vcc.errors import ExportError
from vcc.export import doctor, overflow
from vcc.export.graph_passes import overflow_of
from vcc.export.integer_layers import compare_layers
from vcc.export.onnx_file import FILE_KEY, export_onnx, inspect_file, read_metadata
from vcc.export.overflow import network_problem, overflow_problem, refuse_overflow
from vcc.export.parity import check_parity
from vcc.export.runtimes import processor
from vcc.export.runtimes.catalog import open_session
from vcc.export.runtimes.processor import Sums, int8_sums, sums_as_run, sums_by_flags
from vcc.export.runtimes.session import Array, Pixels, Session

PTQ = "PostTrainLinearQuantizer"


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def networks() -> dict[str, torch.nn.Module]:
    made = {
        kind: quantized(dense("resnet"), PTQ, quant_target="cpu", overflow=kind)
        for kind in ("safe", "fast")
    }
    return {**made, "signed": quantized(dense("resnet"), PTQ, overflow="safe")}


@pytest.fixture(scope="module")
def files(
    networks: dict[str, torch.nn.Module], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("files")
    return {
        kind: export_onnx(
            classifier(network),
            folder / f"{kind}.onnx",
            clip_shape=SHAPE,
            opset=20,
            metadata={FILE_KEY: {"quant_target": "cpu"}},
        )
        for kind, network in networks.items()
    }


def _hide_weights(graph: onnx.GraphProto, way: str) -> None:
    """Store every int8 weight so that its values are not read as they were."""
    stored = {tensor.name: tensor for tensor in graph.initializer}
    for node in [each for each in graph.node if each.op_type == "DequantizeLinear"]:
        tensor = stored.get(node.input[0])
        if tensor is None or len(tensor.dims) < 2:
            continue
        hidden = f"{tensor.name}.hidden"
        if way == "constant":
            made = onnx.helper.make_node("Constant", [], [hidden], value=tensor)
        elif way == "identity":
            made = onnx.helper.make_node("Identity", [tensor.name], [hidden])
        elif way == "reshape":
            made = onnx.helper.make_node("Reshape", [tensor.name, "shape"], [hidden])
        else:
            made = onnx.helper.make_node("QuantizeLinear", [tensor.name, *node.input[1:]], [hidden])
        graph.node.insert(0, made)
        node.input[0] = hidden


def pretend(monkeypatch: pytest.MonkeyPatch, sums: Sums) -> None:
    """Let this processor add int8 products so."""
    monkeypatch.setattr(overflow, "int8_sums", lambda provider: sums)


def with_record(path: Path, copy: Path, **record: Any) -> Path:
    """Return a copy of a file with another record."""
    model = onnx.load(str(path))
    onnx.helper.set_model_props(model, {FILE_KEY: json.dumps(record)})
    onnx.save(model, str(copy))
    return copy


class TestTheFile:
    @pytest.mark.parametrize("kind", ["safe", "fast"])
    def test_it_says_which_it_is(self, kind: str, files: dict[str, Path]) -> None:
        assert read_metadata(files[kind])[FILE_KEY] == {"quant_target": "cpu", "overflow": kind}
        assert inspect_file(files[kind]).overflow == kind

    def test_an_old_one_counts_as_fast(self, files: dict[str, Path], tmp_path: Path) -> None:
        old = with_record(files["safe"], tmp_path / "old.onnx", quant_target="cpu")
        assert inspect_file(old).overflow == "fast"

    def test_its_weights_are_believed_and_not_its_word(
        self, files: dict[str, Path], tmp_path: Path
    ) -> None:
        liar = with_record(files["fast"], tmp_path / "liar.onnx", overflow="safe")
        assert inspect_file(liar).overflow == "fast"

    @pytest.mark.parametrize("record", [[], "safe", {"overflow": 7}, None])
    def test_a_record_of_another_shape_is_fast(
        self, record: Any, files: dict[str, Path], tmp_path: Path
    ) -> None:
        model = onnx.load(str(files["safe"]))
        onnx.helper.set_model_props(model, {FILE_KEY: json.dumps(record)})
        onnx.save(model, str(tmp_path / "odd.onnx"))
        assert inspect_file(tmp_path / "odd.onnx").overflow == "fast"

    @pytest.mark.parametrize("way", ["constant", "quantized when run", "identity", "reshape"])
    def test_weights_that_are_not_seen_are_not_believed(
        self, way: str, files: dict[str, Path], tmp_path: Path
    ) -> None:
        model = onnx.load(str(files["fast"]))
        _hide_weights(model.graph, way)
        onnx.helper.set_model_props(model, {FILE_KEY: json.dumps({"overflow": "safe"})})
        onnx.save(model, str(tmp_path / "liar.onnx"))
        assert inspect_file(tmp_path / "liar.onnx").overflow == "fast"

    def test_integer_operators_are_not_believed(self, tmp_path: Path) -> None:
        node = onnx.helper.make_node("ConvInteger", ["x", "w"], ["y"])
        graph = onnx.helper.make_graph([node], "g", [], [])
        assert overflow_of(onnx.helper.make_model(graph)) == "fast"

    def test_a_float_file_has_none(self, tmp_path: Path) -> None:
        path = tmp_path / "float.onnx"
        model = torch.nn.Sequential(torch.nn.Conv3d(3, 2, 1), torch.nn.ReLU()).eval()
        export_onnx(classifier(model), path, clip_shape=SHAPE, opset=20, metadata={})
        assert inspect_file(path).overflow is None
        assert FILE_KEY not in read_metadata(path)

    @pytest.mark.slow
    def test_four_bits_are_safe_whatever_was_asked(self, tmp_path: Path) -> None:
        model = quantized(dense("resnet"), "PACTQuantizer", bits_activations=4, bits_weights=4)
        path = tmp_path / "four.onnx"
        export_onnx(classifier(model), path, clip_shape=SHAPE, opset=20, metadata={})
        assert inspect_file(path).overflow == "safe"


class TestTheProcessor:
    @pytest.mark.parametrize(
        ("machine", "flags", "sums"),
        [
            ("x86_64", "avx2 fma", Sums.SATURATE),
            ("x86_64", "avx2 avx512f avx512bw", Sums.SATURATE),
            ("AMD64", "avx2 avx_vnni", Sums.EXACT),
            ("x86_64", "avx2 avx512f avx512_vnni", Sums.EXACT),
            ("x86_64", "amx_int8", Sums.EXACT),
            ("x86_64", "", Sums.UNKNOWN),
            ("aarch64", "asimd", Sums.EXACT),
            ("arm64", "", Sums.EXACT),
        ],
    )
    def test_flags_say_how_it_adds(self, machine: str, flags: str, sums: Sums) -> None:
        assert sums_by_flags(machine, frozenset(flags.split())) is sums

    @pytest.mark.parametrize(
        ("flags", "tried", "sums"),
        [
            ("avx2", Sums.EXACT, Sums.SATURATE),
            ("avx2 avx512_vnni", Sums.EXACT, Sums.EXACT),
            ("avx2 avx512_vnni", Sums.SATURATE, Sums.SATURATE),
            ("avx2 avx512_vnni", Sums.UNKNOWN, Sums.EXACT),
            ("", Sums.EXACT, Sums.EXACT),
            ("", Sums.SATURATE, Sums.SATURATE),
            ("", Sums.UNKNOWN, Sums.UNKNOWN),
        ],
    )
    def test_a_promise_of_the_flags_is_tried(
        self, flags: str, tried: Sums, sums: Sums, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(processor.platform, "machine", lambda: "x86_64")
        monkeypatch.setattr(processor, "cpu_flags", lambda: frozenset(flags.split()))
        monkeypatch.setattr(processor, "sums_as_run", lambda provider: tried)
        assert int8_sums("openvino") is sums
        assert int8_sums("cuda") is Sums.EXACT
        assert int8_sums("tensorrt") is Sums.EXACT

    def test_a_runtime_that_is_told_to_use_avx2_is_found_out(self) -> None:
        # oneDNN reads this once: in a process of its own
        code = (
            "from vcc.export.runtimes.processor import sums_as_run as f; "
            "print(f('openvino').value, f('cpu').value)"
        )
        found = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2", "CUDA_VISIBLE_DEVICES": ""},
            capture_output=True,
            text=True,
            check=True,
            timeout=600,
        )
        by_flags = sums_by_flags(processor.platform.machine(), processor.cpu_flags())
        arm = processor.platform.machine() in ("aarch64", "arm64")
        assert found.stdout.split()[0] == ("exact" if arm else "saturate")
        if by_flags is Sums.EXACT:
            assert found.stdout.split()[1] == "exact", "ONNX Runtime looks at the processor only"

    def test_doctor_says_which_it_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(doctor.platform, "machine", lambda: "x86_64")
        monkeypatch.setattr(doctor, "cpu_flags", lambda: frozenset({"avx2"}))
        monkeypatch.setattr(doctor, "sums_as_run", lambda provider: Sums.SATURATE)
        assert doctor.int8_kind() == (
            "saturate in 16 bits (no VNNI): files of overflow=fast are wrong; "
            "as run: cpu saturate, openvino saturate"
        )


class TestWhoeverRunsIt:
    @pytest.mark.parametrize("sums", [Sums.SATURATE, Sums.UNKNOWN])
    def test_a_fast_file_warns_in_one_line(
        self,
        sums: Sums,
        files: dict[str, Path],
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        pretend(monkeypatch, sums)
        with caplog.at_level(logging.WARNING):
            open_session(files["fast"], provider="cpu", threads=1)
        (message,) = caplog.messages
        assert message.startswith("fast.onnx: is for processors with VNNI (overflow: fast)")
        assert message.endswith("quantize again with overflow=safe")
        assert "\n" not in message
        assert ("unknown" in message) == (sums is Sums.UNKNOWN)

    def test_a_safe_file_runs_anywhere_without_a_word(
        self,
        files: dict[str, Path],
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        pretend(monkeypatch, Sums.SATURATE)
        open_session(files["safe"], provider="cpu", threads=1)
        refuse_overflow([files["safe"]], "cpu")
        assert not caplog.messages

    def test_what_is_recorded_is_refused(
        self, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pretend(monkeypatch, Sums.SATURATE)
        with pytest.raises(ExportError, match=r"fast\.onnx: .*overflow=safe"):
            refuse_overflow([files["safe"], files["fast"]], "openvino")

    def test_no_fall_back_to_a_processor_that_saturates(
        self, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pretend(monkeypatch, Sums.SATURATE)
        with pytest.raises(ExportError, match=r"the CPU cannot run it instead: .*overflow=safe"):
            open_session(files["fast"], provider="tensorrt", threads=1, allow_fallback=True)
        open_session(files["safe"], provider="tensorrt", threads=1, allow_fallback=True)

    @pytest.mark.parametrize(
        ("sums", "provider", "said"),
        [
            (Sums.SATURATE, "openvino", True),
            (Sums.UNKNOWN, "openvino", True),
            (Sums.EXACT, "openvino", False),
            (Sums.SATURATE, "cpu", False),
        ],
    )
    def test_integers_around_zero_are_rounded_once_more_by_openvino(
        self,
        sums: Sums,
        provider: str,
        said: bool,
        files: dict[str, Path],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        pretend(monkeypatch, sums)
        assert inspect_file(files["signed"]).signed
        problem = overflow_problem(files["signed"], provider)
        assert (problem is not None) == said
        assert not said or "quant_target: cpu" in str(problem)

    def test_integers_for_gpus_are_no_matter_of_the_processor(
        self, files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pretend(monkeypatch, Sums.SATURATE)
        path = with_record(files["fast"], tmp_path / "gpu.onnx", quant_target="tensorrt")
        assert overflow_problem(path, "cpu") is None

    def test_a_network_is_spoken_of_before_it_is_exported(
        self, networks: dict[str, torch.nn.Module], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pretend(monkeypatch, Sums.SATURATE)
        assert network_problem(networks["safe"], name="it") is None
        assert network_problem(dense("resnet"), name="it") is None
        problem = network_problem(networks["fast"], name="it")
        assert problem is not None
        assert problem.startswith("it: is for processors with VNNI")

    @pytest.mark.parametrize("sums", list(Sums))
    def test_a_network_that_reads_signed_integers_is_spoken_of_too(
        self, sums: Sums, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pretend(monkeypatch, sums)
        model = quantized(
            dense("resnet"), PTQ, quant_target="cpu", overflow="safe", mode="SYMMETRIC"
        )
        problem = network_problem(model, name="it")
        assert (problem is None) == (sums is Sums.EXACT)
        assert problem is None or problem.startswith("it: its layers read integers around zero")


class Saturating(Session):
    """The unoptimised graph, whose first convolution adds as a processor without VNNI would."""

    runtime, precision = "emulated", "int8"

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(self, pixels: Pixels) -> Any:
        return self._run(self.path, pixels)[0]

    def outputs_of(self, path: Path) -> Any:
        return lambda pixels: self._run(path, pixels)

    def _run(self, path: Path, pixels: Pixels) -> list[Array]:
        import onnxruntime

        model = onnx.load(str(path))
        stored = {tensor.name: tensor for tensor in model.graph.initializer}
        for node in model.graph.node:
            tensor = stored.get(node.input[0])
            if node.op_type == "DequantizeLinear" and tensor is not None and len(tensor.dims) > 2:
                # Two products of 255 reach 16 bits' end: no weight counts for more than 64.25.
                levels = numpy_helper.to_array(tensor).astype(np.int64)
                cut = np.clip(levels, -64, 64).astype(np.int8)
                tensor.CopyFrom(numpy_helper.from_array(cut, tensor.name))
        settings = onnxruntime.SessionOptions()
        settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = onnxruntime.InferenceSession(model.SerializeToString(), sess_options=settings)
        return list(session.run(None, {"pixels": pixels}))


class TestLayers:
    @pytest.mark.parametrize("provider", ["cpu", "openvino"])
    def test_a_safe_file_is_exact_but_for_rounding_on_this_processor(
        self, provider: str, files: dict[str, Path]
    ) -> None:
        session = open_session(files["safe"], provider=provider, threads=1)
        found = compare_layers(files["safe"], session, [pixels(2).float().numpy()])
        assert found is not None
        assert not found.wrong
        # one per quantized tensor, and the logits
        graph = onnx.load(str(files["safe"])).graph
        assert len(found.layers) == 1 + sum(n.op_type == "QuantizeLinear" for n in graph.node)
        names = [layer.name for layer in found.layers]
        assert {"the input", "conv1", "layer1.0.conv1"} <= set(names)

    @pytest.mark.parametrize("kind", ["safe", "fast"])
    def test_saturation_is_told_from_rounding(
        self, kind: str, files: dict[str, Path], networks: dict[str, torch.nn.Module]
    ) -> None:
        session = Saturating(files[kind])
        batches = [SimpleNamespace(clips=pixels(4))]
        with torch.inference_mode():
            if kind == "safe":
                assert check_parity(classifier(networks[kind]), session, batches).levels == 0
                return
            message = (
                r"emulated computes \S+ wrongly: .* by up to \d+ levels; so are \d+ more layers: "
                r"its sums saturate in 16 bits .*overflow=safe: nothing was registered"
            )
            with pytest.raises(ExportError, match=message):
                check_parity(classifier(networks[kind]), session, batches)

    def test_a_runtime_that_shows_nothing_is_judged_by_its_logits(
        self, files: dict[str, Path], networks: dict[str, torch.nn.Module]
    ) -> None:
        session = Saturating(files["safe"])
        session.outputs_of = lambda path: None  # type: ignore[method-assign]
        with torch.inference_mode():
            batches = [SimpleNamespace(clips=pixels(4))]
            parity = check_parity(classifier(networks["safe"]), session, batches)
        assert parity.levels is None
        assert "parity_levels" not in parity.metrics()


class Made(Session):
    """Says what it is told, clip by clip."""

    runtime, precision = "made up", "int8"

    def __init__(self, logits: torch.Tensor) -> None:
        self._rest = logits

    def run(self, pixels: Pixels) -> Any:
        logits, self._rest = self._rest[: len(pixels)], self._rest[len(pixels) :]
        return logits.numpy()


def judged(expected: torch.Tensor, found: torch.Tensor) -> Any:
    """Hold made-up logits against a network's."""
    batches = [SimpleNamespace(clips=torch.zeros(len(expected), 1, dtype=torch.uint8))]
    return check_parity(lambda clips: expected, Made(found), batches)


class TestClips:
    @pytest.fixture
    def logits(self) -> torch.Tensor:
        return torch.randn(20, 5, generator=torch.Generator().manual_seed(1))

    def test_noise_of_rounding_holds(self, logits: torch.Tensor) -> None:
        noise = torch.randn(logits.shape, generator=torch.Generator().manual_seed(2))
        assert judged(logits, logits + 0.01 * noise).held >= 0.9

    @pytest.mark.parametrize("outlier", [1.0, 100.0, 1e6])
    def test_one_outlier_makes_no_constant_file_pass(
        self, outlier: float, logits: torch.Tensor
    ) -> None:
        logits[3] *= outlier
        constant = logits.clone()
        constant[:] = logits[3]
        with pytest.raises(ExportError, match="one class"):
            judged(logits, constant)

    def test_one_class_where_the_network_gives_several_is_refused(self) -> None:
        # Only one clip of many is of another class: 95 % agree.
        logits = torch.tensor([[2.0, 0.0]] * 19 + [[0.0, 2.0]])
        found = torch.tensor([[2.0, 0.0]] * 19 + [[1.1, 0.9]])
        with pytest.raises(ExportError, match="the file gives all of them one class"):
            judged(logits, found)

    def test_one_class_is_fine_where_the_network_gives_one_or_ties(self) -> None:
        logits = torch.tensor([[2.0, 0.0]] * 19 + [[0.0, 0.01]])
        found = torch.tensor([[2.0, 0.0]] * 19 + [[0.01, 0.0]])
        assert judged(logits, found).held == 1.0

    def test_an_offset_common_to_all_classes_hides_nothing(self, logits: torch.Tensor) -> None:
        with pytest.raises(ExportError, match="differ by"):
            judged(logits + 1000, logits.roll(1, dims=1) + 1000)

    def test_logits_that_are_no_numbers_are_refused(self, logits: torch.Tensor) -> None:
        with pytest.raises(ExportError, match="differ by nan"):
            judged(logits, logits * float("nan"))


@pytest.mark.skipif(
    sums_by_flags(processor.platform.machine(), processor.cpu_flags()) is not Sums.SATURATE,
    reason="this processor adds int8 products exactly: nothing to see for real",
)
def test_this_processor_saturates_for_real(files: dict[str, Path]) -> None:
    assert sums_as_run("openvino") is Sums.SATURATE
    session = open_session(files["fast"], provider="openvino", threads=1)
    found = compare_layers(files["fast"], session, [pixels(4).float().numpy()])
    assert found is not None
    assert found.wrong
