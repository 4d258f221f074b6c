"""``python -m coordinator.cli`` is the ``fleetbus`` command; it starts its own parts so."""

from coordinator.cli import main

if __name__ == "__main__":
    main()
