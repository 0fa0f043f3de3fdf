"""Families whose weights facebookresearch/pytorchvideo publishes."""
