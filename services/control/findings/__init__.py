"""What moderators are shown as wrong, for people who look after it."""
