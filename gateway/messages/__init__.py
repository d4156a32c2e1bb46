"""What calls say: what contracts know of messages, what is read of them, and what is taken out."""
