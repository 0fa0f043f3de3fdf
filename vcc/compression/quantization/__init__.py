"""Quantization: which layers get how many bits, over which ranges, and where quantizers stand."""
