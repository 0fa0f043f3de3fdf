"""What post-training quantization cost, mended on calibration clips, without training.

A room of its own, since it changes parameters: who calls it keeps what they were before.
"""
