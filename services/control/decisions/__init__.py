"""What the control plane knows of decisions: how they are asked for and shown. The audit service has them."""
