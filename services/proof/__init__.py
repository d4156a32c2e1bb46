"""What proves the log of decisions: hashes, tiles, notes, exports and their verification. No store, no server."""
