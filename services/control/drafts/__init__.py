"""Drafts of policies: a text that people edit, what is wrong with it, what it would change, and how it is proposed."""
