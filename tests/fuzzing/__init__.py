"""Readers of what strangers write, given whatever there is."""
