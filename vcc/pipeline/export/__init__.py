"""The export step: ONNX files that are checked, scored, timed in turns and registered.

Call `step`; `record` keeps what was measured, `sessions` opens files alike for all who time them.
"""
