"""Tests of drafts of policies."""
