"""A policy as people write it: one struct for each part."""
