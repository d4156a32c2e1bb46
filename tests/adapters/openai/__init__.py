"""Upstreams of the OpenAI-compatible API."""
