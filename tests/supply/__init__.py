"""What Pilote is made of."""
