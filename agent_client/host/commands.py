"""How the process of one agent is started: its command line and its environment. Pure."""

import sys
from collections.abc import Callable
from pathlib import Path

from agent_client.boots import BOOT_FILE
from agent_client.host.settings import DRAIN_S, HostSettings
from protocol.messages import HostOrder


def command_of(
    settings: HostSettings, order: HostOrder, is_file: Callable[[Path], bool] = Path.is_file
) -> tuple[str, ...]:
    """Return the command line: the plan's own, or that of the ready-made agent.

    A plan for many machines names files of them all; one that is not here is left out.
    """
    if order.command:
        return order.command
    words = [sys.executable, "-m", "agent_client", order.agent]
    for capability in order.capabilities:
        words += ["--capability", capability]
    config = order.config_path
    if config is not None and not is_file(Path(config)):
        config = None
    options = {
        "--slots": order.slots,
        "--broker": str(settings.broker),
        "--root": settings.root,
        "--machine-id": order.machine_id or settings.machine_id,
        "--window-id": order.window_id,
        "--heartbeat": order.heartbeat_s,
        "--config": config,
        "--drain": DRAIN_S,
        "--state-dir": settings.state_dir / "agents",
    }
    for option, value in options.items():
        if value:
            words += [option, str(value)]
    return tuple(words)


def environment_of(
    settings: HostSettings,
    order: HostOrder,
    boot_file: Path,
    exists: Callable[[Path], bool] = Path.exists,
) -> dict[str, str]:
    """Return the variables by which an agent knows its name, rhythm, boot, bus and secret."""
    variables = {
        "FLEETBUS_AGENT": order.agent,
        "FLEETBUS_HEARTBEAT_S": str(order.heartbeat_s),
        "FLEETBUS_BROKER": str(settings.broker),
        "FLEETBUS_ROOT": settings.root,
        BOOT_FILE: str(boot_file),
        # The host's own is not for an agent.
        "FLEETBUS_PASSWORD_FILE": "",
    }
    if settings.secrets_dir is not None:
        secret = settings.secrets_dir / f"{order.agent}.secret"
        if exists(secret):
            variables["FLEETBUS_PASSWORD_FILE"] = str(secret)
    return variables
