"""Copies of calls: when they are made, how, and what their replies have otherwise."""
