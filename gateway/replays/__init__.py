"""Calls that were recorded, decided about once more."""
