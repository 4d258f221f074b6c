"""An agent inside somebody else's program: an event loop, a thread, a ``with`` statement."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pytest

from agent_client import Agent, AsyncTask, BadSetting, Task
from protocol.messages import Presence
from protocol.vocabulary import PresenceState, ReportEvent
from tests.integration.test_agent_on_a_bus import Coordinator
from tests.support.brokers import BrokerAddress, embedded_broker

WITHIN_S: Final = 60.0


@dataclass(frozen=True)
class Errand:
    where: str


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerAddress]:
    with embedded_broker(tmp_path_factory.mktemp("broker")) as address:
        yield address


@pytest.fixture
def coordinator(broker: BrokerAddress) -> Iterator[Coordinator]:
    with contextlib.closing(Coordinator(broker)) as coordinator:
        yield coordinator


def an_agent(broker: BrokerAddress, name: str) -> Agent:
    return Agent(name, broker=broker.url(), heartbeat_s=0.3, slots=2, drain_s=5.0)


async def heard(coordinator: Coordinator, event: ReportEvent) -> object:
    return (await asyncio.to_thread(coordinator.reported, event)).detail.result


async def test_in_an_event_loop_of_the_bots_coroutines_share_it_and_cancelling_drains(
    broker: BrokerAddress, coordinator: Coordinator
) -> None:
    agent, go_on = an_agent(broker, "looped"), asyncio.Event()

    @agent.handler("wait")
    async def wait(task: AsyncTask, args: Errand) -> str:
        await go_on.wait()  # an event of this very loop
        return f"{args.where}, in {threading.current_thread().name}"

    serving = asyncio.create_task(agent.serve())
    await asyncio.to_thread(coordinator.next, Presence, lambda said: said.agent == "looped")
    await asyncio.to_thread(coordinator.wait_for_boot)
    coordinator.assign("looped", "t1", "wait", args={"where": "home"})
    await heard(coordinator, ReportEvent.STARTED)
    serving.cancel()
    await asyncio.sleep(0)
    assert not serving.done()
    go_on.set()
    assert await heard(coordinator, ReportEvent.SUCCEEDED) == "home, in MainThread"
    with pytest.raises(asyncio.CancelledError):
        await serving


def test_arguments_that_do_not_fit_are_rejected_and_never_start(
    broker: BrokerAddress, coordinator: Coordinator
) -> None:
    agent, began = an_agent(broker, "typed"), []

    @agent.handler("errand")
    def errand(task: Task, args: Errand) -> None:
        began.append(args)

    with agent:
        assert agent.wait_until_online(WITHIN_S)
        coordinator.wait_for_boot()
        coordinator.assign("typed", "t1", "errand", args={"where": 3})
        said = coordinator.reported(ReportEvent.REJECTED)
        assert (said.detail.code, said.detail.retryable) == ("bad_args", False)
        assert said.detail.message == "args.where: a text, not '3'"
    assert began == []


def test_a_bot_says_that_it_takes_no_work_and_takes_it_again(
    broker: BrokerAddress, coordinator: Coordinator
) -> None:
    agent = an_agent(broker, "moody")
    with pytest.raises(BadSetting, match="'online', 'paused' or 'draining'"):
        agent.set_status("tired")  # type: ignore[arg-type]  # that is the point
    agent.set_status("paused", "the game is being patched")

    def stated(state: PresenceState) -> Presence:
        return coordinator.next(
            Presence, lambda said: said.agent == "moody" and said.state is state
        )

    with agent:
        assert stated(PresenceState.PAUSED).reason == "the game is being patched"
        agent.set_status("online")
        assert stated(PresenceState.ONLINE).reason is None
        agent.set_status("draining", "bed time")
        assert stated(PresenceState.DRAINING).reason == "bed time"


def test_several_threads_may_each_run_an_agent(
    broker: BrokerAddress, coordinator: Coordinator
) -> None:
    agents = [an_agent(broker, f"twin-{n}") for n in range(3)]
    threads = [threading.Thread(target=agent.run) for agent in agents]
    for thread in threads:
        thread.start()
    missing = {agent.name for agent in agents}
    while missing:
        missing.discard(coordinator.next(Presence).agent)
    for agent in agents:
        agent.stop(0)
    for thread in threads:
        thread.join(WITHIN_S)
        assert not thread.is_alive()
