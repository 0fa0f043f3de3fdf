"""Sums of int8 products as processors without VNNI add them: in pairs, in 16 bits that saturate."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
LOWEST, HIGHEST = -(2**15), 2**15 - 1


def exact_sums(activations: Integers, weights: Integers) -> Integers:
    """Return activations [M,K] times weights [K,N], without any limit."""
    sums: Integers = activations.astype(np.int64) @ weights.astype(np.int64)
    return sums


def saturated_sums(
    activations: Integers, weights: Integers, order: Integers | None = None
) -> Integers:
    """Return the same as `pmaddubsw` adds it: pairs of products in 16 bits, pairs in 32.

    Args:
        activations: [M,K], 0..255, K even.
        weights: [K,N], -128..127.
        order: which of the K are neighbours, as the kernel pleases; default: as they are.
    """
    k = np.arange(activations.shape[1]) if order is None else order
    products = activations[:, k, None].astype(np.int64) * weights[None, k, :]
    pairs = products[:, 0::2] + products[:, 1::2]
    sums: Integers = np.clip(pairs, LOWEST, HIGHEST).sum(axis=1)
    return sums


def worst_sums(activations: Integers, weights: Integers) -> Integers:
    """Return the sums under the order that loses most: products sorted, so that large ones meet.

    Every output has an order of its own, which no kernel is as bad as.
    """
    columns = []
    for n in range(weights.shape[1]):
        rows = []
        for row in activations:
            order = np.argsort(row.astype(np.int64) * weights[:, n], kind="stable")
            rows.append(saturated_sums(row[None], weights[:, n : n + 1], order)[0, 0])
        columns.append(rows)
    return np.array(columns, dtype=np.int64).T
