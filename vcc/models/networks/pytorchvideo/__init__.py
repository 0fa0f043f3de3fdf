"""Layers of the families that follow facebookresearch/pytorchvideo, with its tensors' names."""
