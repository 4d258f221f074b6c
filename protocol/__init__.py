"""What is said on the bus: ``fleet/v1``, as topics, messages, a codec and an access table.

This package is pure: it knows no socket, no clock and nothing else of ours, so that the
coordinator, the agents, the broker and every tool can agree on one contract.
"""
