"""The Envoy engine: Envoy carries the bytes of agents' calls, and asks the gateway behind it about each."""
