"""Upstreams that speak the OpenAI-compatible HTTP API."""
