"""Suites of probes as people keep and run them."""
