"""The doors for agents that speak no gRPC: REST and MCP. They call the gateway like any agent, and enforce nothing."""
