"""Weak signals: what single decisions do not show. Pure functions over columns and counts of decisions, no I/O."""
