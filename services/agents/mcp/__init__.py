"""The door for agents that speak MCP: every governed method that an agent may use is a tool."""
