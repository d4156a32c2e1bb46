"""Tests of what `pilote doctor` sees."""
