"""The parts of the front for agents, each alone."""
