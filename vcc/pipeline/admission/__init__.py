"""Admission: what a network of other people's goes through once, before it is trained."""
