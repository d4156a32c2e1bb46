"""What moderators are shown as wrong: found by statistics, looked after by people."""
