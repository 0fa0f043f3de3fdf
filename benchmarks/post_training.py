"""What mending brings to post-training quantization, at 8 and at fewer bits.

    python -m benchmarks.post_training --checkpoint FOLDER --root_path data [--bits 8 4 3]

Quantizes one trained network, `make demo`'s for instance, in each way, and scores the test videos:
weights rounded to the nearest, biases corrected, weights rounded by GPTQ, and both. Activations
have 8 bits and the shipped schedule's ranges. The first row is the network in float.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import sys
import time
from pathlib import Path

import torch

from vcc.compression.mending.mend import GPTQ, NEAREST, mend_
from vcc.compression.quantization.insertion import calibrate, insert_quantizers
from vcc.compression.quantization.quantizers import CalibratedRanges
from vcc.data.machine import usable_cores
from vcc.data.store.prepared import PreparedDataset, find_prepared
from vcc.evaluation.accuracy import VideoScores
from vcc.pipeline.card import Network
from vcc.pipeline.compress.scheduler import calibration_clips
from vcc.pipeline.evaluate.step import score_test
from vcc.pipeline.source import load_network

CLASS = "PostTrainLinearQuantizer"
WAYS = [(NEAREST, False), (NEAREST, True), (GPTQ, False), (GPTQ, True)]


def quantized(
    network: Network, dataset: PreparedDataset, bits: int, rounding: str, *, bias_correction: bool
) -> Network:
    """Return a copy whose weights have so many bits."""
    made = Network(model=copy.deepcopy(network.model).eval(), card=network.card)
    clips = list(calibration_clips(network, dataset))
    arguments = CalibratedRanges(bits_parameters=bits, quant_target="cpu", clip_acts="PERCENTILE")
    settings = arguments.settings(CLASS)
    insert_quantizers(made.model, settings, clips[0])
    calibrate(made.model, settings, lambda: clips)
    if rounding != NEAREST or bias_correction:
        mend_(made.model, lambda: clips, rounding=rounding, bias_correction=bias_correction)
    return made


def row(title: str, scores: VideoScores, before: VideoScores, seconds: float) -> str:
    """Return a line of the table."""
    alike = (scores.scores.argmax(dim=1) == before.scores.argmax(dim=1)).float().mean()
    return (
        f"{title:<36}{100 * scores.video_topk(1):>9.1f} %{100 * scores.clip_top1:>9.1f} %"
        f"{scores.loss:>9.4f}{100 * alike:>9.1f} %{seconds:>7.0f} s\n"
    )


def main() -> None:
    """Write a row for each number of bits and each way."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--root_path", type=Path, default=Path("data"))
    parser.add_argument("--bits", type=int, nargs="+", default=[8, 4, 3])
    parser.add_argument("--threads", type=int, default=min(2, usable_cores()))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    network, dataset = load_network(arguments.checkpoint), find_prepared(arguments.root_path)
    write = sys.stdout.write
    write(f"{'':<36}{'video':>11}{'clips':>11}{'loss':>9}{'alike':>11}{'made in':>9}\n")
    before = score_test(network, dataset, no_cuda=True, n_threads=0)
    write(row("float", before, before, 0))
    for bits, (rounding, bias) in itertools.product(arguments.bits, WAYS):
        start = time.perf_counter()
        made = quantized(network, dataset, bits, rounding, bias_correction=bias)
        seconds = time.perf_counter() - start
        title = f"{bits} bits, {rounding}{', biases corrected' if bias else ''}"
        write(row(title, score_test(made, dataset, no_cuda=True, n_threads=0), before, seconds))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
