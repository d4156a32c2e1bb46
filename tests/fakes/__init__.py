"""Small servers of our own contracts that behave as a test tells them."""
