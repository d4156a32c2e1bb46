"""Tests of what runs around the data plane."""
