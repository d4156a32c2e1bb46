"""Over-solicitation: how contacts are spread, what they cost in opt-outs and complaints, and who adds them."""
