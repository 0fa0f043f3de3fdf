"""Videos to clips: annotations, prepare, the frame store, sampling, loaders.

Kept free of imports: the workers of `prepare` import modules of this package and must not import
torch with them.
"""
