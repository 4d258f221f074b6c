"""The fleet plan: what a person writes, what can be wrong with it, what the core makes of it."""
