"""The benchmark of GPUs, on a CPU: rows that cannot run say why, and nothing ends the others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from limits import HANG_S

from benchmarks import gpu_rows, gpu_sections, gpu_ways
from benchmarks.gpu import Outcome, run_section, table
from benchmarks.gpu_rows import Bench, DeviceLostError, Row, Size
from benchmarks.gpu_sections import SECTIONS, row_names
from vcc.errors import ConfigError

ROOT = Path(__file__).resolve().parents[3]
TINY = Size(clip=(3, 2, 16, 16), batch=2, rounds=1, depth=10, width=0.0625)
NO_GPU = "needs a GPU, and PyTorch sees none"
# A stand-in for a section's process: it says something of each row, and is killed at one of them.
CHILD = """
import json, os, sys
names, bad = json.loads(sys.argv[1]), sys.argv[2]
skip = json.loads(sys.argv[-1])
def say(said):
    print("benchmarks.gpu: " + json.dumps(said), flush=True)
print("noise of a library")
for name in names:
    row = {"section": "training", "name": name, "reason": skip.get(name, "")}
    if not row["reason"]:
        say({"trying": name})
        if name == bad:
            os.kill(os.getpid(), 9)
        row["error"] = 0.5
    say({"row": row})
"""


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling takes half a minute; the long test below does it."""

    def refuse(*_: object, **__: object) -> None:
        msg = "no compiler here"
        raise ConfigError(msg)

    monkeypatch.setattr(gpu_ways, "compile_network", refuse)
    monkeypatch.setattr(gpu_sections, "choose_plan", refuse)


@pytest.fixture
def few_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    """Float32, bfloat16, and what a CPU cannot do."""
    few = tuple(
        way
        for way in gpu_sections.INFERENCE_WAYS
        if way.name in ("fp32", "fp32 in TF32", "bf16", "fp16", "bf16 compiled")
    )
    monkeypatch.setattr(gpu_sections, "INFERENCE_WAYS", few)
    monkeypatch.setattr(gpu_sections, "TRAINING_WAYS", few)
    monkeypatch.setattr(gpu_rows, "IN_A_ROW", 1)


def rows_of(section: str, *, skip: dict[str, str] | None = None) -> dict[str, Row]:
    bench = Bench(section, TINY, torch.device("cpu"), skip=skip)
    with bench.stack:
        SECTIONS[section](bench)
    assert list(bench.rows) == row_names(section)
    return bench.rows


@pytest.mark.usefixtures("no_compiler")
def test_gradients_are_compared_with_float64() -> None:
    rows = rows_of("gradients")
    for name in ("fp32", "fp32 channels last", "fp32 in DDP, one device"):
        row = rows[name]
        assert (row.state, row.reason) == ("ok", "")
        # Float32 is not float64: an error of 0 would be a comparison with itself.
        assert 0 < (row.error or 0) < 1e-4
    assert (rows["bf16"].error or 0) > 10 * (rows["fp32"].error or 0)
    assert NO_GPU in rows["fp32 in TF32"].reason
    assert NO_GPU in rows["fp16"].reason
    assert rows["fp32 compiled"].reason == "no compiler here"


@pytest.mark.usefixtures("no_compiler", "few_ways")
def test_training_steps_are_timed_in_turns() -> None:
    rows = rows_of("training", skip={"fp16": "it ended its process"})
    assert {name for name, row in rows.items() if row.ms} == {"fp32", "bf16"}
    assert rows["fp32"].ratio == ""
    assert rows["bf16"].ratio
    assert rows["fp16"].reason == "it ended its process"
    assert rows[gpu_sections.AUTO].reason == "no compiler here"


@pytest.mark.usefixtures("no_compiler", "few_ways")
def test_inference_is_compared_with_the_cpu_s_answers() -> None:
    rows = rows_of("inference")
    assert {name for name, row in rows.items() if row.ms} == {
        "dense, fp32", "dense, bf16", "half, fp32", "half, bf16", gpu_sections.EVALUATE,
    }  # fmt: skip
    assert rows["half, fp32"].state == rows[gpu_sections.EVALUATE].state == "ok"
    assert (rows["half, bf16"].error or 0) > (rows["half, fp32"].error or 0)
    text = table(list(rows.values()))
    assert f"not run: half, fp16: float16 in PyTorch {NO_GPU}" in text


@pytest.mark.usefixtures("few_ways")
@pytest.mark.parametrize(
    "section", ["onnxruntime", pytest.param("tensorrt", marks=pytest.mark.slow)]
)
def test_runtimes_without_a_gpu_say_so(section: str) -> None:
    reference, *others = rows_of(section).values()
    assert reference.ms
    assert all(NO_GPU in row.reason for row in others)


@pytest.mark.parametrize(
    ("error", "limit", "state"),
    [(0.1, 0.2, "ok"), (0.3, 0.2, "WRONG"), (float("nan"), 0.2, "WRONG"), (9.0, None, "ok")],
)
def test_an_error_beyond_rounding_is_wrong(error: float, limit: float | None, state: str) -> None:
    assert Row(section="gradients", name="fp32", error=error, limit=limit).state == state


def test_a_lost_gpu_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench("gradients", TINY, torch.device("cpu"))

    def work(_: Row) -> None:
        msg = "illegal memory access"
        raise RuntimeError(msg)

    assert not bench.attempt("harmless", work)
    monkeypatch.setattr(bench, "_synchronize", lambda: work(bench.rows["harmless"]))
    with pytest.raises(DeviceLostError, match="illegal memory access"):
        bench.attempt("fatal", work)


def test_a_row_that_fails_while_it_is_timed_is_left_out() -> None:
    bench = Bench("training", TINY, torch.device("cpu"))
    for name in ("first", "second"):
        bench.attempt(name, lambda _: None)
    left = iter(range(2))
    # It answers twice, which is less than a turn of three.
    bench.time({"first": lambda: None, "second": lambda: next(left)})
    first, second = bench.rows.values()
    assert first.ms is not None
    assert (second.ms, second.reason) == (None, "StopIteration")


def child(bad: str) -> list[str]:
    return [sys.executable, "-I", "-c", CHILD, json.dumps(["a", "b", "c"]), bad]


def test_a_row_that_ends_its_process_is_left_out_of_the_next() -> None:
    a, b, c = run_section("training", child("b"), ["a", "b", "c"], HANG_S)
    assert a.error == c.error == 0.5
    assert b.reason == "it ended its process with signal 9"
    assert [a.reason, c.reason] == ["", ""]


def test_a_section_ends_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[dict[str, object]] = [
        {"trying": "a"},
        {"row": {"section": "training", "name": "a", "error": 0.5}},
        {"trying": "b"},
    ]
    output = "".join(f"benchmarks.gpu: {json.dumps(each)}\n" for each in said).encode()

    def run(command: list[str], *, timeout: float, **_: object) -> None:
        raise subprocess.TimeoutExpired(command, timeout, output=output)

    monkeypatch.setattr(subprocess, "run", run)
    a, b, c = run_section("training", ["child"], ["a", "b", "c"], 90)
    assert a.error == 0.5
    assert a.note == "not timed: the section's 90 s were over"
    assert b.reason == "the section's 90 s were over while it was tried"
    assert c.reason == "the section's 90 s were over"


def test_a_process_that_never_starts_is_told_of() -> None:
    rows = run_section("training", [sys.executable, "-c", "raise SystemExit(3)"], ["a"], HANG_S)
    assert [row.reason for row in rows] == ["its process ended with exit code 3"]
    assert [row.reason for row in run_section("training", [], ["a"], 0)] == ["no time was left"]


def test_noise_of_libraries_is_passed_over() -> None:
    outcome = Outcome("training")
    assert outcome.read('warning\nbenchmarks.gpu: {"trying": "a"}\nmore\n') == "a"
    assert not outcome.rows


@pytest.mark.slow
def test_the_whole_script_runs_on_a_cpu(tmp_path: Path) -> None:
    output = tmp_path / "cpu.json"
    # Compiling and importing take long beside other work; eight minutes are meant for a GPU's host.
    words = ["--device", "cpu", "--minutes", "17", "--output", str(output)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads(output.read_text(encoding="utf-8"))
    assert record["machine"]["device"] == "cpu"
    assert [row["name"] for row in record["rows"]] == [
        name for section in SECTIONS for name in row_names(section)
    ]
    ran = [row["section"] for row in record["rows"] if row["state"] == "ok"]
    assert set(ran) == set(SECTIONS)
    assert "no GPU: a tiny network on the CPU" in done.stdout
