"""What looks for something: each takes columns, asks the statistics, and says what it has seen."""
