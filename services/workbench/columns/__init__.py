"""Decisions and what followed them as columns, which statistics are made of."""
