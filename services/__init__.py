"""Everything around the data plane; siblings do not import each other."""
