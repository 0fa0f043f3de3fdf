"""Which number formats this machine's processor has instructions for."""

from __future__ import annotations

import os

from vcc.data.machine import cpu_flags

# As Linux spells them: on x86 in the line "flags", on Arm in the line "Features".
_INSTRUCTIONS = {
    "bf16": frozenset({"avx512_bf16", "amx_bf16", "avx_ne_convert", "bf16", "svebf16"}),
    "fp16": frozenset({"avx512_fp16", "amx_fp16", "asimdhp"}),
}
# oneDNN computes torch's convolutions, and can be told to keep to older instructions than there
# are: its names of those that lack the format.
_LIMITS_WITHOUT = {
    "bf16": {"SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX512_CORE", "AVX512_CORE_VNNI"},
    "fp16": {"SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2"}
    | {"AVX512_CORE", "AVX512_CORE_VNNI", "AVX512_CORE_BF16"},
}


def computes_natively(number: str) -> bool:
    """Return whether the CPU has instructions for a number format that torch may use.

    A processor that does not tell (there is no /proc/cpuinfo) is taken to have none: emulation
    takes several times as long as float32.

    Args:
        number: fp32, bf16 or fp16.
    """
    if number == "fp32":
        return True
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper()
    return limit not in _LIMITS_WITHOUT[number] and bool(_INSTRUCTIONS[number] & cpu_flags())
