"""The sensitivity step: how much of each layer, or of each clip, can go.

Call `step` for layers, `clips` for clips; `summary` turns the CSV into a schedule.
"""
