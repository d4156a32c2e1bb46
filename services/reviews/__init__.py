"""Decisions that people look at again: which ones, who looks at which, and what they say of them."""
