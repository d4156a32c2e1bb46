"""Tests of what proves the log of decisions."""
