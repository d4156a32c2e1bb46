"""The declarative HTTP connector."""
