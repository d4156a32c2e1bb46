"""Calls that wait for a person or for a time: put away, made once, told to who waits."""
