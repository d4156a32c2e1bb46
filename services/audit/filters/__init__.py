"""AIP-160 filters: their grammar, what they may name, what they mean, and what is said of a mistake in one. Pure."""
