"""Kept calls as the people see them who decide about them."""
