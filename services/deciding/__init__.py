"""Decision workers: what decides about calls, inside an Envoy of its own that carries the questions of another one."""
