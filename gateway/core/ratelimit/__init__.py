"""What Envoy asks its rate limit service about, as a policy describes it: which method a descriptor is, and whose."""
