"""Reports that people ask for."""
