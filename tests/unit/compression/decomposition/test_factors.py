"""The algebra of each form, on weights whose answer is known."""

from __future__ import annotations

import pytest
import torch
from decomposition_toys import full_ranks
from torch import nn

from vcc.compression.decomposition.factors import (
    CHANNELS,
    OUTPUTS,
    PATCHES,
    assign_,
    composed,
    factors_of,
    matrix_of,
    spectra_of,
)

FORMS = ("spatial_temporal", "tucker2", "low_rank")


def weight(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def remade(value: torch.Tensor, form: str, ranks: tuple[int, ...], moments=None) -> torch.Tensor:
    moments = moments or {}
    spectra = spectra_of(value, form, moments)
    factors = factors_of(value, form, ranks, spectra=spectra, moments=moments)
    return composed(factors, form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", [(6, 3, 3, 2, 2), (2, 9, 3, 1, 2), (20, 1, 2, 1, 2)])
def test_full_rank_gives_the_weight_back(form, shape):
    value = weight(*shape)
    assert torch.allclose(remade(value, form, full_ranks(value, form)), value, atol=1e-11)


def test_an_outer_product_of_space_and_time_has_rank_one():
    space, time = weight(1, 2, 1, 3, 3), weight(4, 1, 5, 1, 1)
    value = space * time

    (spectrum,) = spectra_of(value, "spatial_temporal", {})

    assert float(spectrum.values[0]) == pytest.approx(float(value.norm()))
    assert float(spectrum.values[1]) < 1e-6 * float(value.norm())
    assert torch.allclose(remade(value, "spatial_temporal", (1,)), value, atol=1e-12)


@pytest.mark.parametrize("form", ["spatial_temporal", "low_rank"])
def test_the_error_is_the_tail_of_the_singular_values(form):
    value = weight(5, 3, 3, 2, 2)
    singular = torch.linalg.svdvals(matrix_of(value, form))
    for rank in (1, 3, 5):
        error = (remade(value, form, (rank,)) - value).norm()
        assert float(error) == pytest.approx(float(singular[rank:].norm()), abs=1e-7)


def test_both_sides_of_a_cut_have_equal_norms():
    value = weight(6, 4)
    spectra = spectra_of(value, "low_rank", {})
    first, last = factors_of(value, "low_rank", (3,), spectra=spectra, moments={})
    assert torch.allclose(first.norm(dim=1), last.norm(dim=0))
    assert torch.allclose(first.norm(dim=1) ** 2, torch.linalg.svdvals(value)[:3])


def moments_of(form: str, value: torch.Tensor, inputs: torch.Tensor) -> dict[str, torch.Tensor]:
    second = inputs.T @ inputs / len(inputs)
    if form == "spatial_temporal":
        return {PATCHES: second}
    matrix = value.flatten(1)
    return {OUTPUTS: matrix @ second @ matrix.T}


@pytest.mark.parametrize(("form", "shape"), [("spatial_temporal", (4, 2, 3, 2, 2)),
                                             ("low_rank", (6, 8, 1, 1, 1))])  # fmt: skip
def test_moments_lower_the_error_of_outputs_and_raise_that_of_weights(form, shape):
    value = weight(*shape)
    columns = matrix_of(value, form).shape[1]
    inputs = weight(500, columns) * torch.linspace(0.01, 3, columns)
    plain = remade(value, form, (2,)) - value
    aware = remade(value, form, (2,), moments_of(form, value, inputs)) - value

    def output_error(error: torch.Tensor) -> float:
        return float((inputs @ matrix_of(error, form).T).norm())

    singular = torch.linalg.svdvals(inputs @ matrix_of(value, form).T)
    assert output_error(aware) == pytest.approx(float(singular[2:].norm()), rel=1e-4)
    assert output_error(aware) < output_error(plain)
    assert float(aware.norm()) > float(plain.norm())


def test_a_direction_that_no_clip_showed_is_kept_at_full_rank():
    value = weight(9, 4)
    silent = torch.zeros(9, 9, dtype=torch.float64)
    assert torch.allclose(remade(value, "low_rank", (4,), {OUTPUTS: silent}), value, atol=1e-6)


def test_tucker_follows_the_channels_that_are_used():
    value = weight(5, 4, 2, 2, 2)
    # only two of four channels are ever read
    moments = {CHANNELS: torch.diag(torch.tensor([1.0, 1.0, 0.0, 0.0], dtype=torch.float64))}
    error = remade(value, "tucker2", (2, 5), moments) - value
    assert float(error[:, :2].norm()) < 1e-2 * float(value.norm())
    assert float(error[:, 2:].norm()) > 0.5 * float(value[:, 2:].norm())


def test_a_weight_of_zeros_stays_zero():
    value = torch.zeros(3, 2, 2, 2, 2, dtype=torch.float64)
    for form in FORMS:
        assert not remade(value, form, (1,) * (2 if form == "tucker2" else 1)).any()


def test_layers_get_their_weights_in_their_own_type():
    layers = [nn.Linear(4, 2, bias=False), nn.Linear(2, 3)]
    assign_(layers, [weight(2, 4), weight(3, 2)])
    assert layers[0].weight.dtype == torch.float32
    assert torch.equal(layers[1].weight, weight(3, 2).float())
