"""The schema of a segment, as numbered steps; see `services.audit.sqlite.schema`."""
