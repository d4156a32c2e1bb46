"""Tests of the moderators' workbench."""
