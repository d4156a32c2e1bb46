"""Reports that people ask for: made by jobs, kept for a day, given to whoever asked."""
