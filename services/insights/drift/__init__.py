"""Drift: whether what is measured now comes from where the reference came from, and how far apart they are."""
