"""What a GPU computes right, and how fast: training, inference, ONNX Runtime, TensorRT.

    python -m benchmarks.gpu [--minutes 8] [--device auto] [--output results/gpu/NAME.json]

Five sections, each in a process of its own that ends with its time. Rows of a section are timed in
turns, and ratios are to its first row:

- gradients: every way to train against float64, on a small network with every kind of convolution;
- training: steps of ResNet-18, batch 16, 16x112x112, with the GPU memory they take, and what
  `train_precision=auto` chooses;
- inference: PyTorch, dense and with half of the filters, eager and compiled, against the CPU's
  answers, with the copies to and from the GPU;
- onnxruntime, tensorrt: the exported files, against PyTorch in the same process.

A row that cannot run says why, and what ends its process is left out of the next try. Without a GPU
the same rows are tried on the CPU with a tiny network: that tries the script and says nothing of
speed.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import importlib.metadata
import json
import math
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

import vcc
from benchmarks.gpu_rows import FULL, SMALL, Bench, DeviceLostError, Row, Size
from benchmarks.gpu_sections import SECTIONS, row_names
from vcc.evaluation.comparison import as_text
from vcc.export.doctor import cpu_name
from vcc.telemetry import switch_off

# At most, in seconds where there are 8 minutes; the first to come take what is left.
_MINUTES = 8.0
_LIMITS = {
    "gradients": 80.0,
    "training": 160.0,
    "inference": 120.0,
    "onnxruntime": 70.0,
    "tensorrt": 240.0,
}
_UNTIMED = ("gradients",)
# Less is not worth a process that imports PyTorch for several seconds.
_LEAST_S = 15.0
_MARK = "benchmarks.gpu: "


@dataclass
class Outcome:
    """What the processes of a section said.

    Attributes:
        section: its name.
        rows: the last that was said of each row.
        skip: rows that ended a process, and how.
    """

    section: str
    rows: dict[str, Row] = field(default_factory=dict)
    skip: dict[str, str] = field(default_factory=dict)

    def read(self, output: str) -> str:
        """Take in what a process wrote, and return the row that it was at; "" after its end."""
        at = ""
        for line in output.splitlines():
            if not line.startswith(_MARK):
                continue
            said = json.loads(line.removeprefix(_MARK))
            at = str(said.get("trying") or said.get("timing") or "")
            if "row" in said:
                row = Row(**said["row"])
                self.rows[row.name] = row
        return at

    def leave_untimed(self, reason: str) -> None:
        """Note with each row that was tried and has no time why it has none."""
        for row in self.rows.values():
            if self.section not in _UNTIMED and row.ms is None and not row.reason:
                row.note = row.note or f"not timed: {reason}"

    def complete(self, names: Sequence[str], reason: str) -> list[Row]:
        """Return a row for each name; those that nothing was said of were not run for a reason."""
        missing = {
            name: Row(section=self.section, name=name, reason=self.skip.get(name, reason))
            for name in names
        }
        return list({**missing, **self.rows}.values())


def run_section(
    section: str, command: Sequence[str], names: Sequence[str], limit_s: float
) -> list[Row]:
    """Run a section in processes of its own until one ends well or the time is over.

    Args:
        section: its name.
        command: what starts it; the rows that it must skip are added as JSON.
        names: its rows.
        limit_s: seconds for all of its processes.
    """
    until = time.monotonic() + limit_s
    outcome = Outcome(section)
    while (left := until - time.monotonic()) > min(_LEAST_S, limit_s / 2):
        try:
            done = subprocess.run(
                [*command, "--skip", json.dumps(outcome.skip)],
                stdout=subprocess.PIPE,
                timeout=left,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            at = outcome.read((error.stdout or b"").decode("utf-8", errors="replace"))
            reason = f"the section's {limit_s:.0f} s were over"
            if at not in outcome.rows:
                outcome.skip[at] = f"{reason} while it was tried"
            outcome.leave_untimed(reason)
            return outcome.complete(names, reason)
        at = outcome.read(done.stdout.decode("utf-8", errors="replace"))
        if done.returncode == 0:
            return outcome.complete(names, "its section did not come to it")
        if not at or at in outcome.skip:
            return outcome.complete(names, f"its process ended with {_ending(done.returncode)}")
        outcome.skip[at] = f"it ended its process with {_ending(done.returncode)}"
        outcome.rows.pop(at, None)
    return outcome.complete(names, "no time was left")


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def run_here(section: str, size: Size, device: torch.device, skip: dict[str, str]) -> Bench:
    """Run a section in this process, telling on standard output of each row as it comes.

    Raises:
        DeviceLostError: the GPU answers no more.
    """

    def say(said: dict[str, Any]) -> None:
        sys.stdout.write(f"{_MARK}{json.dumps(said)}\n")
        sys.stdout.flush()

    bench = Bench(section, size, device, skip=skip, say=say)
    with bench.stack:
        SECTIONS[section](bench)
    return bench


def table(rows: Sequence[Row]) -> str:
    """Return the rows of a section as text, the reasons of those that were not run below."""
    cells = [["", "ms", "faster", "error", "at most", "MB of GPU", ""]]
    for row in rows:
        judged = row.error is not None
        cells.append(
            [
                row.name,
                _number(row.ms, ".2f"),
                row.ratio,
                _number(row.error, ".1e"),
                _number(row.limit if judged else None, ".1e"),
                _number(row.memory_mb, ".0f"),
                row.state,
            ]
        )
    lines = [f"{row.state}: {row.name}: {row.reason}" for row in rows if row.reason]
    lines += [f"{row.name}: {row.note}" for row in rows if row.note]
    return "\n".join([as_text(cells), *lines])


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def machine(device: torch.device) -> dict[str, Any]:
    """Return what the figures are of."""
    facts: dict[str, Any] = {
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "vcc": vcc.__version__,
        "python": platform.python_version(),
        "cpu": cpu_name(),
        "device": device.type,
        "torch": torch.__version__,
        "cuda_of_torch": torch.version.cuda,
        "onnxruntime": _version("onnxruntime-gpu", "onnxruntime"),
        "tensorrt": _version("tensorrt-cu13", "tensorrt"),
    }
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        facts |= {
            "gpu": properties.name,
            "gpu_memory_gb": round(properties.total_memory / 1e9, 1),
            "capability": f"{properties.major}.{properties.minor}",
            "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
            "driver": _driver(),
        }
    return facts


def _version(*packages: str) -> str | None:
    for package in packages:
        try:
            return importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def _driver() -> str | None:
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    asked = [program, "--query-gpu=driver_version", "--format=csv,noheader"]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=False)
    return next(iter(done.stdout.split()), None)


def _as_json(row: Row) -> dict[str, Any]:
    values = {**dataclasses.asdict(row), "state": row.state}
    if row.error is not None and not math.isfinite(row.error):
        # JSON has no such number.
        values["error"] = str(row.error)
    return values


def _file_name(gpu: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", gpu.lower()).strip("-") + ".json"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", allow_abbrev=False)
    parser.add_argument("--minutes", type=float, default=_MINUTES, help="for everything, at most")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--sections", nargs="+", choices=tuple(SECTIONS), default=list(SECTIONS))
    parser.add_argument("--output", type=Path, help="JSON; of a GPU results/gpu/NAME.json")
    parser.add_argument("--section", choices=tuple(SECTIONS), help=argparse.SUPPRESS)
    parser.add_argument("--skip", type=json.loads, default={}, help=argparse.SUPPRESS)
    return parser.parse_args()


def _run_all(arguments: argparse.Namespace, device: torch.device) -> list[Row]:
    until = time.monotonic() + 60 * arguments.minutes
    rows: list[Row] = []
    for section in arguments.sections:
        command = [sys.executable, "-m", "benchmarks.gpu", "--device", device.type]
        most = _LIMITS[section] * arguments.minutes / _MINUTES
        limit = min(most, until - time.monotonic())
        names = row_names(section)
        found = run_section(section, [*command, "--section", section], names, limit)
        sys.stdout.write(f"\n{section}\n{table(found)}\n")
        sys.stdout.flush()
        rows += found
    return rows


def main() -> None:
    """Run the sections, write their tables, and the rows as JSON; exit code 1 if one is wrong."""
    switch_off()
    arguments = _arguments()
    there = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(there if arguments.device == "auto" else arguments.device)
    size = FULL if device.type == "cuda" else SMALL
    if arguments.section:
        try:
            run_here(arguments.section, size, device, arguments.skip)
        except DeviceLostError as error:
            sys.exit(f"the GPU answers no more: {error}")
        return
    facts = machine(device)
    sys.stdout.write("".join(f"{name}: {value}\n" for name, value in facts.items()))
    if device.type == "cpu":
        sys.stdout.write("no GPU: a tiny network on the CPU, whose times say nothing\n")
    rows = _run_all(arguments, device)
    output = arguments.output
    if output is None and device.type == "cuda":
        output = Path("results") / "gpu" / _file_name(facts["gpu"])
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        listed = [_as_json(row) for row in rows]
        record = {"machine": facts, "size": dataclasses.asdict(size), "rows": listed}
        output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        sys.stdout.write(f"\nwritten to {output}\n")
    sys.exit(int(any(row.state == "WRONG" for row in rows)))


if __name__ == "__main__":
    main()
