"""The evaluate step: clip and video accuracy on test videos, logged and written down.

Call `step`; `inference` pairs a network or a file with prepared videos.
"""
