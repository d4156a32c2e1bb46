"""Proposing, approving and taking back revisions, for the command line and for the control plane."""
