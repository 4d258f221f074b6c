"""Agents that speak HTTP: what they say becomes statements on the bus, under the same leases."""
