"""What an installation needs for a load, worked out of what was measured, and how long calls wait. Pure."""
