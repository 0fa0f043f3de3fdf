"""Labels: the forms of lists, official splits, the dev carve-out and folds.

Read any form through `forms`. Nothing here opens a video.
"""
