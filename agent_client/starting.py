"""Puts together what an agent needs once it runs: loaded by ``start()``, not by ``import``."""

from random import Random
from typing import TYPE_CHECKING

from agent_client.boots import new_boot
from agent_client.clock import SystemClock
from agent_client.handlers import Handlers
from agent_client.loop import Loop
from agent_client.metrics import MetricSet
from agent_client.settings import AgentSettings
from agent_client.state.memory import memory_of

if TYPE_CHECKING:
    import asyncio


def new_loop(
    settings: AgentSettings,
    handlers: Handlers,
    metrics: MetricSet,
    event_loop: "asyncio.AbstractEventLoop | None",
) -> Loop:
    """Make the loop of a new boot; ``async def`` handlers run in *event_loop*, or in one of ours.

    Raises :class:`AlreadyRunning` if another process uses the same state directory and name.
    """
    clock, boot = SystemClock(), new_boot()
    metrics.begin()
    return Loop(
        settings,
        handlers,
        metrics,
        boot=boot,
        clock=clock,
        random=Random(),
        memory=memory_of(settings, boot, clock.wall_ms()),
        event_loop=event_loop,
    )
