"""Tests of what an earlier version has left, and of two versions on one store."""
