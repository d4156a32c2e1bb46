"""Backups of an installation while it runs, sealed, and how it comes back from one after everything is lost."""
