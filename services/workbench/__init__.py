"""The moderators' workbench: reads the log of decisions into columns, and looks there for what is wrong."""
