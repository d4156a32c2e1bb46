"""Rollouts: the controller that moves a candidate step by step, and what people do about it."""
