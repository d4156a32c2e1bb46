"""Tests of the model of capacity."""
