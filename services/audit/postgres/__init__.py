"""The server-grade decision store: PostgreSQL."""
