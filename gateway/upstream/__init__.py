"""How an admitted call reaches an upstream: tries, fallbacks, hedges, breakers, addresses."""
