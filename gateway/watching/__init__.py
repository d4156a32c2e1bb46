"""What a process tells the world outside of how it gets on: traces, metrics and logs."""
