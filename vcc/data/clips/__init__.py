"""From the frame store to batches of clips: sampling, crops, the protocol, the loaders.

Training asks `datamodule`, evaluation `protocol` and `loaders`. Frame indices are pure functions.
"""
