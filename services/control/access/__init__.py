"""What people may do here, and how they are known."""
