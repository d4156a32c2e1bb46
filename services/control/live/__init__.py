"""What happens now: gathered once for all who look, part by part, since each may fail alone."""
