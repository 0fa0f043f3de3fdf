"""Pruners: what computes masks. Policies decide when, masks decide how they are used."""
