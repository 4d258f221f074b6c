"""A large fleet on one coordinator: thousands of agents that speak the whole protocol."""
