"""The Envoy engine: what Envoy carries, what it hands over, and that callers cannot tell which engine serves them."""
