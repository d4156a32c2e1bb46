"""From the streams of decisions to a store that answers: what was decided, for whom, and why."""
