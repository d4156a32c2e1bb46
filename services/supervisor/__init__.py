"""Starts processes in order, keeps them up, and ends them all: what `pilote up` stands on."""
