"""What the control plane knows of decisions."""
