"""The ``fleetbus`` command: starts the parts, asks the coordinator, and shows the fleet.

This module is all that a base install imports, so it needs nothing but the standard library.
"""

import sys

_NEEDED = {"typer", "rich", "click", "pydantic_settings"}


def main() -> None:
    """Run the ``fleetbus`` command."""
    try:
        from coordinator.cli.app import run

        run()
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _NEEDED:
            raise
        print(
            f"The `fleetbus` command needs {missing!r}, which comes with the `server` extra:\n"
            "  pip install 'fleetbus[server]'\n"
            "This base install runs agents and hosts: python -m agent_client, and\n"
            "python -m agent_client.host",
            file=sys.stderr,
        )
        sys.exit(1)
