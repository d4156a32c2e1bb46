"""Suites of probes, for people who have no shell: kept, checked while they type, and run as jobs."""
