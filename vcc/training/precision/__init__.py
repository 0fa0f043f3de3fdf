"""The arithmetic of a training: number format, memory layout, layers kept in float32.

`choice` measures which is fastest, `check` whether it is right, `settings` holds it.
"""
