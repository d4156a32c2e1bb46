"""Real systems that connectors are tried against by `make test-integration`."""
