"""Post-training quantization by `compress` is guarded on dev, and its run says what went back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from vcc.compression import file_config, load_schedule
from vcc.compression.quantization.guard import Budget
from vcc.compression.schedule.edits import DEFAULT_BUDGET
from vcc.compression.schedule.edits import with_guard as guarded
from vcc.compression.schedule.schedule import Schedule
from vcc.compression.sensitivity.measured import EvalResult
from vcc.config.compression import CompressionOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ScheduleError
from vcc.models.quantized.plan import describe_quantizers
from vcc.pipeline.card import Network
from vcc.pipeline.compress.recipe import recipe_for
from vcc.pipeline.compress.step import compress_step
from vcc.pipeline.evaluate.dev_measure import draw_videos

PTQ: dict[str, Any] = {
    "quantizers": {"q": {"class": "PostTrainLinearQuantizer", "quant_target": "cpu"}},
    "policies": [{"quantizer": {"instance_name": "q"}, "epochs": [0]}],
}


def with_guard(schedule: Schedule, loss: float | None, dataset: PreparedDataset) -> Schedule:
    budget = None if loss is None else Budget(loss=loss)
    return guarded(schedule, budget, has_dev=bool(dataset.videos("dev")))


def guard_of(schedule: Any, budget: float | None, dataset: PreparedDataset) -> Any:
    made = with_guard(load_schedule(schedule), budget, dataset)
    return made.component("quantizer", "q").args.get("guard")


def test_the_budget_is_the_options_else_the_schedule_s_else_the_default(
    dataset: PreparedDataset,
) -> None:
    own = {"class": "PostTrainLinearQuantizer", "guard": {"top1": 0.02}}
    stated = {**PTQ, "quantizers": {"q": own}}
    assert guard_of(PTQ, None, dataset) == {"loss": DEFAULT_BUDGET}
    assert guard_of(stated, None, dataset) == {"top1": 0.02}
    assert guard_of(stated, 0.3, dataset) == {"loss": 0.3}
    without_dev = draw_videos(dataset, "train", n_videos=4, seed=1)
    assert guard_of(PTQ, None, without_dev) is None
    assert guard_of(PTQ, 0.3, without_dev) == {"loss": 0.3}
    pruning = load_schedule({"policies": []})
    assert with_guard(pruning, 0.3, dataset) is pruning


def test_a_guarded_schedule_still_names_the_lines_of_its_file(
    dataset: PreparedDataset, network: Network, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(
        "quantizers:\n"
        "  q:\n"
        "    class: PostTrainLinearQuantizer\n"
        "    overrides:\n"
        "      conv9: {bits_weights: 4}\n"
        "policies:\n"
        "  - {quantizer: {instance_name: q}, epochs: [0]}\n"
    )
    schedule = with_guard(load_schedule(path), 0.1, dataset)
    with pytest.raises(ScheduleError, match=r"wrong.yaml.*line 5.*matches no module"):
        file_config(
            network.model,
            None,
            schedule,
            example_input=torch.zeros(1, *network.card.clip_shape),
            measure=lambda _: EvalResult(1.0, 1.0, 0.0),
        )


def test_compress_quantizes_within_the_budget_and_says_so(
    dataset: PreparedDataset, network: Network, run: Any
) -> None:
    options = CompressionOptions(compression_type=("ptq",), ptq_budget=100.0)
    recipe = recipe_for(network, options, n_epochs=None, learning_rate=None, parent=None)
    made = compress_step(network, dataset, recipe, run=run)
    plan = describe_quantizers(made.model)
    assert plan is not None
    assert "conv1" in plan["layers"]
    assert run.metrics["ptq_layers_float"] == [0]
    assert "every layer stays quantized" in run.texts["ptq_guard.txt"]
    assert run.tags["ptq_float"] == "none"
    assert "ptq_guard.csv" not in run.texts


def test_what_quantization_ruins_is_float_in_the_result(
    dataset: PreparedDataset, network: Network, run: Any, tmp_path: Path
) -> None:
    schedule = tmp_path / "two_bits.yaml"
    schedule.write_text(
        "quantizers:\n"
        "  q: {class: PostTrainLinearQuantizer, quant_target: cpu, overrides: "
        "{fc: {bits_weights: 2, bits_activations: 2}}}\n"
        "policies:\n"
        "  - {quantizer: {instance_name: q}, epochs: [0]}\n"
    )
    with torch.no_grad():
        network.model.fc.weight.mul_(20)  # type: ignore[union-attr,operator]
    options = CompressionOptions(schedule=schedule, ptq_budget=0.02)
    recipe = recipe_for(network, options, n_epochs=None, learning_rate=None, parent=None)
    made = compress_step(network, dataset, recipe, run=run)
    (after,), (before,) = run.metrics["ptq_loss_guarded"], run.metrics["ptq_loss_float"]
    assert run.metrics["ptq_loss_quantized"][0] > before + 0.02
    assert after <= before + 0.02
    returned = run.tags["ptq_float"].split(", ")
    assert returned[0] == "fc"
    plan = describe_quantizers(made.model)
    assert plan is not None
    assert not set(returned) & set(plan["layers"])
    assert run.metrics["ptq_layers_float"] == [len(returned)]
    assert run.texts["ptq_guard.csv"].splitlines()[1].startswith("fc,")
    assert "fc" in run.texts["ptq_guard.txt"]
