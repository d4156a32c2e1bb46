"""What is remembered of calls, and what of that is about people: sealed, opened, forgotten."""
