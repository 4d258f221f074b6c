"""The embedded MQTT broker: the bus of a fleet that lives on one machine, with nothing to install.

The rest of the project sees :mod:`broker.settings` and :mod:`broker.server`. Who may do what is
decided by pure functions over the protocol's access table; only ``engine`` and ``plugin`` know
the MQTT library underneath.
"""
