"""The vault of sensitive attributes and the figures of fairness, for people who look after them."""
