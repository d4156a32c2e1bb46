"""`pilote intake`: what other systems tell us of customers, written where gateways read it."""
