"""The frame store: one file per video, a manifest that proves it, a prepared data set opened.

Open a data set through `prepared`, write through `files`. Files are complete or absent.
"""
