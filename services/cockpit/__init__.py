"""What the workbench works out of each day for copilots, where it is kept, and the numbers that it comes to."""
