"""Policies: what acts in which epochs, through the callbacks of the training loop."""
