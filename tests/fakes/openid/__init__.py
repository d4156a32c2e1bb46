"""A provider that people log in through, for tests."""
