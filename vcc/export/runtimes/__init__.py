"""One file per runtime that executes an exported file, behind one `Session`.

Open files through `catalog`. A runtime says what really ran, or that it cannot.
"""
