"""The algebra: a layer's weight as the weights of its form's layers, by truncated SVD.

Everything is computed in double precision, from the eigenvectors of the smaller Gram matrix: that
takes less time than the SVD of a wide matrix, and its basis is orthonormal to rounding, so that
full rank gives the layer back.

With second moments of what a layer reads or computes (`moments`), the error that is minimised is
that of the layer's output: min E|(W - W')x|^2 = min |(W - W')L|^2 with L L' = E[x x'], whose answer
is the truncated SVD of W L (Zhang et al. 2016, "Accelerating very deep convolutional networks",
who take the moments of the output). Means are not taken off, so that no bias is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vcc.models.decomposed import LOW_RANK, SPATIAL_TEMPORAL

# Names of the moments that a form can use, see `moments`.
PATCHES, CHANNELS, OUTPUTS = "patches", "channels", "outputs"
Moments = Mapping[str, Tensor]

# Share of the mean second moment added to all: directions that no clip showed stay invertible.
_RIDGE = 1e-6


@dataclass(frozen=True)
class Spectrum:
    """An orthonormal basis of the output side of a matrix, the strongest direction first.

    Attributes:
        basis: [rows, full rank].
        values: singular values, descending, [full rank].
        longer: the longer side of the matrix.
    """

    basis: Tensor
    values: Tensor
    longer: int


def matrix_of(weight: Tensor, form: str) -> Tensor:
    """Return a weight as the matrix that a form cuts in two, [output side, input side].

    Args:
        weight: [O,I,T,H,W], or [O,I] of a linear layer.
        form: `spatial_temporal` ([O*T, I*H*W]) or `low_rank` ([O, the rest]).
    """
    if form == SPATIAL_TEMPORAL:
        o, i, t, h, w = weight.shape
        return weight.permute(0, 2, 1, 3, 4).reshape(o * t, i * h * w)
    return weight.flatten(1)


def spectra_of(weight: Tensor, form: str, moments: Moments) -> tuple[Spectrum, ...]:
    """Return one spectrum per rank of a form, of the weight or, with moments, of the output.

    Args:
        weight: [O,I,T,H,W] or [O,I].
        form: see `vcc.models.decomposed`.
        moments: those that were observed; the others are not used.
    """
    weight = weight.detach().double()
    if form == SPATIAL_TEMPORAL:
        matrix = matrix_of(weight, form)
        return (_spectrum(matrix @ _root(moments.get(PATCHES), matrix.shape[1], matrix)),)
    outputs = _output_spectrum(weight.flatten(1), moments.get(OUTPUTS))
    if form == LOW_RANK:
        return (outputs,)
    inputs = weight.transpose(0, 1).flatten(1)
    return _spectrum(_root(moments.get(CHANNELS), inputs.shape[0], inputs) @ inputs), outputs


def factors_of(
    weight: Tensor,
    form: str,
    ranks: Sequence[int],
    *,
    spectra: Sequence[Spectrum],
    moments: Moments,
) -> list[Tensor]:
    """Return the weights of a form's layers, in their order and shapes, in double precision.

    Args:
        weight: [O,I,T,H,W] or [O,I].
        form: see `vcc.models.decomposed`.
        ranks: of the form, each at most its full rank.
        spectra: what `spectra_of` returned.
        moments: what it was given.
    """
    weight = weight.detach().double()
    if form == SPATIAL_TEMPORAL:
        return _spatial_temporal(weight, spectra[0].basis[:, : ranks[0]])
    if form == LOW_RANK:
        first, last = _balanced(spectra[0].basis[:, : ranks[0]], weight.flatten(1))
        tail = (1,) * (weight.dim() - 2)
        return [first.reshape(ranks[0], *weight.shape[1:]), last.reshape(*last.shape, *tail)]
    return _tucker2(weight, ranks, spectra, moments.get(CHANNELS))


def composed(factors: Sequence[Tensor], form: str) -> Tensor:
    """Return the weight of the one layer that computes what a form's layers do."""
    if form == SPATIAL_TEMPORAL:
        first, last = factors
        return torch.einsum("rihw,ort->oithw", first[:, :, 0], last[..., 0, 0])
    if form == LOW_RANK:
        first, last = factors
        return torch.einsum("or,ri...->oi...", last.flatten(1), first)
    into, core, out = factors
    inner = torch.einsum("sr...,ri->si...", core, into.flatten(1))
    return torch.einsum("os,si...->oi...", out.flatten(1), inner)


def assign_(layers: Sequence[nn.Module], factors: Sequence[Tensor]) -> None:
    """Give a form's layers their weights, in the layers' own type."""
    with torch.no_grad():
        for layer, factor in zip(layers, factors, strict=True):
            layer.get_parameter("weight").copy_(factor)


def _spatial_temporal(weight: Tensor, basis: Tensor) -> list[Tensor]:
    o, i, t, h, w = weight.shape
    first, last = _balanced(basis, matrix_of(weight, SPATIAL_TEMPORAL))
    rank = basis.shape[1]
    temporal = last.reshape(o, t, rank).transpose(1, 2)[..., None, None]
    return [first.reshape(rank, i, 1, h, w), temporal]


def _tucker2(
    weight: Tensor, ranks: Sequence[int], spectra: Sequence[Spectrum], channels: Tensor | None
) -> list[Tensor]:
    """Return 1x1x1, core and 1x1x1: the higher-order SVD of the two modes of channels.

    Where the inputs' moments L L' are known, W(1) is cut as L^-1 U U' L W(1).
    """
    inputs, outputs = (
        spectrum.basis[:, :rank] for spectrum, rank in zip(spectra, ranks, strict=True)
    )
    root = _root(channels, weight.shape[1], weight)
    into = inputs.T @ torch.linalg.inv(root)
    core = torch.einsum("ir,ij,oj...->or...", inputs, root, weight)
    core = torch.einsum("os,or...->sr...", outputs, core)
    cube = (1, 1, 1)
    return [into.reshape(*into.shape, *cube), core, outputs.reshape(*outputs.shape, *cube)]


def _balanced(basis: Tensor, matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Return (input side, output side) of basis basis' matrix, both with rows of equal norms.

    Weights of one size train alike under one learning rate and quantize alike.
    """
    projected = basis.T @ matrix
    norms = projected.norm(dim=1)
    roots = torch.where(norms > 0, norms, torch.ones_like(norms)).sqrt()
    return projected / roots[:, None], basis * roots


def _spectrum(matrix: Tensor) -> Spectrum:
    """Return the left singular vectors and the singular values of a matrix."""
    rows, columns = matrix.shape
    if rows <= columns:
        values, vectors = torch.linalg.eigh(matrix @ matrix.T)
        return Spectrum(vectors.flip(1), values.flip(0).clamp_min(0).sqrt(), columns)
    values, vectors = torch.linalg.eigh(matrix.T @ matrix)
    # The images of orthonormal inputs are orthogonal; QR makes them orthonormal, zero ones too.
    basis, _ = torch.linalg.qr(matrix @ vectors.flip(1))
    return Spectrum(basis, values.flip(0).clamp_min(0).sqrt(), rows)


def _output_spectrum(matrix: Tensor, moments: Tensor | None) -> Spectrum:
    if moments is None:
        return _spectrum(matrix)
    # Of a direction that no clip showed the weight decides, so that full rank spans them all.
    gram = matrix @ matrix.T
    moments = moments.to(matrix)
    scale = float(moments.trace() / gram.trace().clamp_min(torch.finfo(gram.dtype).tiny)) or 1.0
    values, vectors = torch.linalg.eigh(moments + _RIDGE * scale * gram)
    basis, found = vectors.flip(1), values.flip(0).clamp_min(0).sqrt()
    full = min(matrix.shape)
    return Spectrum(basis[:, :full], found[:full], max(matrix.shape))


def _root(moments: Tensor | None, size: int, like: Tensor) -> Tensor:
    """Return the symmetric, invertible root L of second moments; the identity without any."""
    if moments is None:
        return torch.eye(size).to(like)
    moments = moments.to(like)
    values, vectors = torch.linalg.eigh(moments)
    mean = float(values.clamp_min(0).mean()) or 1.0
    root: Tensor = (vectors * (values.clamp_min(0) + _RIDGE * mean).sqrt()) @ vectors.T
    return root
