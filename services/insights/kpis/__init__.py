"""What a copilot is judged by: each number with its interval, and how many people it rests on."""
