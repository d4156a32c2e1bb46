"""The data plane: every call of an agent passes it; and the home of the domain, `gateway.core`."""
