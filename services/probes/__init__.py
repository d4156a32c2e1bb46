"""Probes of a policy or a model version: suites of cases that must come out in a certain way, and what fails, small."""
