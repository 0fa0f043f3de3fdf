"""Labelled videos to a frame store: planned, converted side by side, reported.

Call `run`. Each worker process runs `convert`; what went wrong with a video stands in `report`.
"""
