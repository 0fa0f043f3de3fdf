"""Integers whose products cannot leave 16 bits.

x86 processors without VNNI multiply uint8 activations by int8 weights in pairs: one instruction
(`pmaddubsw`) adds two neighbouring products in 16 signed bits and saturates, at -32768 and 32767,
without a word. Which products are neighbours is the kernel's choice, so any two may be.

Weights of 7 bits, -64..63, cannot get there. For activations u, v in 0..255 and weights a, b:

    u a + v b >= 255 (-64) + 255 (-64) = -32640 >= -32768
    u a + v b <= 255 * 63  + 255 * 63  =  32130 <=  32767

The same holds for 64 (32640), into which folding a BatchNorm of negative scale turns a -64, and for
int8 activations, which kernels shift by 128 into the same uint8. It is the first power of two that
holds: with 65 a pair gives 33150. Of longer sums no more is needed: pairs are added in 32 bits.

The field calls it reduced range or the overflow fix. Arm processors add in 32 bits, as do VNNI,
AMX and GPUs.
"""

from __future__ import annotations

SAFE = "safe"
FAST = "fast"
AUTO = "auto"
OVERFLOWS = (SAFE, FAST, AUTO)
# bits of a weight whose pairs of products fit, and its largest integer
SAFE_BITS = 7
SAFE_TOP = 63
# what a weight may be after folding a BatchNorm, too
SAFE_SIZE = 64
INT8_BITS = 8
INT8_TOP = 127


def settled(overflow: str, target: str) -> str:
    """Return "safe" or "fast" for a choice: "auto" is safe where a CPU runs the integers.

    Args:
        overflow: safe, fast or auto.
        target: cpu or tensorrt; GPUs add in 32 bits.
    """
    if overflow != AUTO:
        return overflow
    return SAFE if target == "cpu" else FAST


def weight_bits(bits: int, overflow: str) -> int:
    """Return the bits that a weight of so many gets: int8 ones at most 7 where that is safe.

    Weights of more than 8 bits are exported as floats, so that nothing overflows.
    """
    return min(bits, SAFE_BITS) if overflow == SAFE and bits <= INT8_BITS else bits
