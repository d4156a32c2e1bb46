"""The front for agents that speak REST or MCP, before a real gateway."""
