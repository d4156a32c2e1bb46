"""What one person asks for and another one must agree to before it is done: the two-person rule for personal data."""
