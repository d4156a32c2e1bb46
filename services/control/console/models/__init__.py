"""The pages about models and routes, a module for each of their sides."""
