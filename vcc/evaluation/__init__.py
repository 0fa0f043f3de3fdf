"""Clip and video accuracy: how they are computed, written down and compared."""
