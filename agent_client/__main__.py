"""Run a ready-made agent: ``python -m agent_client NAME``."""

import argparse
import logging
import sys
from collections.abc import Sequence

from agent_client.errors import AgentError, BadSetting
from agent_client.ready_made import ReadyMade, ready_made
from agent_client.settings import BrokerAddress


def main(arguments: Sequence[str] | None = None, *, broker: str | None = None) -> int:
    """Run the agent that *arguments* describe; return the exit code.

    *broker* is for a caller that knows where the agent belongs, with the password if it has one.
    """
    parser = argparse.ArgumentParser(prog="python -m agent_client", description=__doc__)
    parser.add_argument("name", help="the agent's name on the bus")
    parser.add_argument("--capability", action="append", default=[], help="may be repeated")
    parser.add_argument("--slots", type=int, default=1, help="tasks at once (default 1)")
    parser.add_argument("--broker", help="mqtt://host:port (default: $FLEETBUS_BROKER)")
    parser.add_argument("--root", help="root of the fleet's topics (default: $FLEETBUS_ROOT)")
    parser.add_argument("--machine-id", help="default: the name of this machine")
    parser.add_argument("--window-id", default="default")
    parser.add_argument(
        "--heartbeat",
        type=float,
        metavar="SECONDS",
        help="default: $FLEETBUS_HEARTBEAT_S, else 10",
    )
    parser.add_argument("--config", help="the agent's own configuration file, TOML or JSON")
    parser.add_argument("--record", help="file to which begin and end of each task are appended")
    parser.add_argument("--state-dir", help="folder for lock and journal, to survive a crash")
    parser.add_argument("--drain", type=float, default=10.0, metavar="SECONDS")
    parser.add_argument("--verbose", action="store_true", help="log more than warnings")
    given = parser.parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO if given.verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    try:
        if given.broker and BrokerAddress.parse(given.broker).password is not None:
            raise BadSetting(
                "--broker",
                "a URL with a password, which the list of processes shows",
                "without; put it into FLEETBUS_BROKER or FLEETBUS_PASSWORD_FILE",
            )
        agent = ready_made(
            ReadyMade(
                name=given.name,
                capabilities=given.capability,
                slots=given.slots,
                broker=given.broker or broker,
                root=given.root,
                machine_id=given.machine_id,
                window_id=given.window_id,
                heartbeat_s=given.heartbeat,
                config_path=given.config,
                record_path=given.record,
                state_dir=given.state_dir,
                drain_s=given.drain,
            )
        )
        agent.run()
    except AgentError as error:
        sys.stderr.write(f"{parser.prog}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
