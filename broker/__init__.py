"""The embedded MQTT broker: the bus of a fleet that lives on one machine, with nothing to install.

The rest of the project sees :mod:`broker.settings` and :mod:`broker.server`. From the outside in:
``listeners`` and ``tls`` open, ``engine`` runs, ``connection`` (over ``websocket`` where it is one)
turns bytes into packets, ``conversation`` says what a packet does, and ``hub`` is where clients
meet. Below it everything is pure: ``session``, ``delivery``, ``subscriptions``, ``retained``, and
who may do what in ``identity`` and ``gate``. Only ``packets`` knows amqtt, whose codec this is
built on. Why it is so: docs/adr/0003-broker-core.md.
"""
