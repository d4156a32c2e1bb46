"""Protobuf <-> core values, and nothing else."""
