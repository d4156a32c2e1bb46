"""What a changed policy would do, tried on recorded calls before anything is saved."""
