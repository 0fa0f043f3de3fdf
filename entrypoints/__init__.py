"""One module per MLproject entry point, run as `python -m entrypoints.NAME`."""
