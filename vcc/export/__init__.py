"""ONNX files: written, checked against their network, run and timed."""
