"""A whole fleet over a broker: tasks per second, dispatch latency, heartbeats per second."""
