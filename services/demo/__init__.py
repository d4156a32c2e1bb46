"""What the demonstration shows: rows, and nothing that production needs."""
