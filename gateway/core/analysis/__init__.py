"""What can be said of conditions without running them: which never hold, and which follow from others."""
