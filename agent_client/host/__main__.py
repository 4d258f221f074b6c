"""Run the host of this machine: ``python -m agent_client.host``."""

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from agent_client.clock import SystemClock
from agent_client.errors import AgentError
from agent_client.host.memory import HostMemory
from agent_client.host.restarts import OF_AN_AGENT
from agent_client.host.settings import HostSettings
from agent_client.host.supervisor import Host
from agent_client.settings import broker_of, machine_id_of, profile_of, root_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the host that *arguments* describe; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m agent_client.host", description=__doc__)
    parser.add_argument("--machine", help="the plan's machine_id (default: this machine's name)")
    parser.add_argument("--broker", help="mqtt://host:port (default: $FLEETBUS_BROKER)")
    parser.add_argument("--root", help="root of the fleet's topics (default: $FLEETBUS_ROOT)")
    parser.add_argument("--state-dir", type=Path, default=Path(".fleetbus/host"), metavar="DIR")
    parser.add_argument("--secrets", type=Path, metavar="DIR", help="NAME.secret of each agent")
    parser.add_argument("--stand-in", action="store_true", help="also for machines without a host")
    parser.add_argument("--interval", type=float, default=5.0, metavar="SECONDS")
    parser.add_argument("--patience", type=float, default=8.0, metavar="SECONDS")
    parser.add_argument(
        "--restarts", type=int, default=OF_AN_AGENT.limit, metavar="N", help="within ten minutes"
    )
    parser.add_argument(
        "--restart-after",
        type=float,
        default=OF_AN_AGENT.first_s,
        metavar="SECONDS",
        help="the first time; doubled each time after",
    )
    parser.add_argument("--quiet", action="store_true", help="log warnings only")
    given = parser.parse_args(arguments)
    logging.basicConfig(
        level=logging.WARNING if given.quiet else logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    try:
        settings = HostSettings(
            machine_id=machine_id_of(given.machine),
            broker=broker_of(given.broker),
            root=root_of(given.root),
            profile=profile_of(None),
            state_dir=given.state_dir.absolute(),
            stands_in=given.stand_in,
            interval_s=given.interval,
            patience_s=given.patience,
            restarts=replace(
                OF_AN_AGENT, limit=max(0, given.restarts), first_s=max(0.0, given.restart_after)
            ),
            secrets_dir=given.secrets.absolute() if given.secrets else None,
        )
        with HostMemory.held(settings.state_dir) as memory:
            Host(settings, memory, SystemClock()).run()
    except AgentError as error:
        sys.stderr.write(f"{parser.prog}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
