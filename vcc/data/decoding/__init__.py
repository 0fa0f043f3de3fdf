"""From video files, and folders of JPEG frames, to frames: the only room that decodes videos.

Others open a video by `source` and read bytes' kind by `containers`; PyAV is touched in here only.
"""
