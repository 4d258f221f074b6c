"""Agents that die and agents that freeze: when it is seen, and when others go on with it."""
