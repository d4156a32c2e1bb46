"""Sentences that write policies, and the way back."""
