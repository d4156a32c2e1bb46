"""Logging in through a company's own OpenID provider."""
