"""Tests of what is shown of now."""
