"""The host of a machine: it starts, restarts and stops the machine's agents, and tells of them.

It is told over the bus which agents there should be. What follows from that, and from the ends of
processes, is decided in :mod:`agent_client.host.keeper`, a pure state machine; the rest is hands.
"""
