"""Reviews of decisions, as people do them: one at a time, blind, and noted in the log."""
