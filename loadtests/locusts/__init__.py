"""What the Locust file is made of: scenarios, arrivals, calls, verdicts, thresholds, and a stack to show it on."""
