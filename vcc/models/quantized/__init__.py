"""Fake-quantizing modules: a network computes in float what integers would give.

`plan` says what is quantized and applies it, `arithmetic` is pure, `onnx_ops` is for the exporter.
"""
