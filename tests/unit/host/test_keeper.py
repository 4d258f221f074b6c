"""What becomes of each agent's process, decided without one."""

from agent_client.host.keeper import Action, Ask, End, Keeper, Kill, Start
from agent_client.host.restarts import Restarts
from protocol.messages import HostOrder
from protocol.vocabulary import HostedState

PATIENCE_MS = 8_000
MAIN = HostOrder(agent="Main", capabilities=("quest",))
CRASH = "ended with exit status 3"


class Machine:
    """A keeper, with processes that do what the test says."""

    def __init__(self, limit: int = 3) -> None:
        self.now = 1_000
        self.keeper = Keeper(PATIENCE_MS, Restarts(limit, window_s=600, first_s=1, longest_s=30))
        self.starts = 0

    def want(self, *orders: HostOrder) -> list[Action]:
        return self.do(self.keeper.want(orders, self.now))

    def do(self, actions: list[Action]) -> list[Action]:
        for action in actions:
            if isinstance(action, Start):
                self.starts += 1
                boot = f"{self.starts:032x}"
                self.keeper.started(action.order.agent, boot, 100 + self.starts, self.now)
        return actions

    def end(self, text: str = CRASH, *, well: bool = False, proven: bool = True) -> list[Action]:
        boot = self.keeper.agents["Main"].boot or ""
        end = End(boot, text, well, ("last words",), is_proven=proven)
        return self.do(self.keeper.ended("Main", end, self.now))

    def pass_time(self, seconds: float) -> list[Action]:
        self.now += round(seconds * 1000)
        return self.do(self.keeper.tick(self.now))

    @property
    def state(self) -> HostedState:
        return self.keeper.agents["Main"].state


def test_what_is_wanted_is_started_once() -> None:
    machine = Machine()
    assert machine.want(MAIN) == [Start(MAIN)]
    assert machine.want(MAIN) == []
    assert machine.state is HostedState.RUNNING


def test_what_is_not_wanted_any_more_is_asked_to_go_and_killed_when_it_does_not() -> None:
    machine = Machine()
    machine.want(MAIN)
    assert machine.want() == [Ask("Main")]
    assert machine.pass_time(7.9) == []
    assert machine.pass_time(0.1) == [Kill("Main")]
    assert machine.end("was killed by SIGKILL") == []
    assert machine.state is HostedState.STOPPED


def test_what_crashes_is_started_again_with_ever_longer_waits() -> None:
    machine = Machine()
    machine.want(MAIN)
    for wait_s in (1.0, 2.0, 4.0):
        assert machine.end() == []
        assert machine.state is HostedState.WAITING
        assert machine.pass_time(wait_s - 0.1) == []
        assert machine.pass_time(0.1) == [Start(MAIN)]
    assert machine.keeper.agents["Main"].restarts == 3


def test_what_crashes_again_and_again_ends_in_error_with_its_last_lines() -> None:
    machine = Machine(limit=2)
    machine.want(MAIN)
    for _ in range(2):
        machine.end()
        machine.pass_time(10)
    machine.end()
    kept = machine.keeper.agents["Main"]
    assert kept.state is HostedState.ERROR
    assert kept.last_lines == ("last words",)
    assert kept.exit == f"{CRASH}, 3 times now: given up"
    assert machine.pass_time(10_000) == []
    assert machine.want(MAIN) == []  # the same list, said again, is no request


def test_somebody_who_asks_gets_what_gave_up_started_again() -> None:
    machine = Machine(limit=0)
    machine.want(MAIN)
    machine.end()
    assert machine.state is HostedState.ERROR
    anew = MAIN.model_copy(update={"start": 1})
    assert machine.want(anew) == [Start(anew)]
    assert machine.end() == []
    assert machine.state is HostedState.ERROR


def test_a_restart_waits_for_the_end_of_the_process_before() -> None:
    machine = Machine()
    machine.want(MAIN)
    anew = MAIN.model_copy(update={"start": 1})
    assert machine.want(anew) == [Ask("Main")]
    assert machine.want(anew) == []
    assert machine.end(well=True) == [Start(anew)]


def test_what_is_wanted_again_while_it_stops_is_started_when_it_has_stopped() -> None:
    machine = Machine()
    machine.want(MAIN)
    machine.want()
    assert machine.want(MAIN) == []
    assert machine.end(well=True) == [Start(MAIN)]


def test_what_ends_by_itself_and_well_stays_ended() -> None:
    machine = Machine()
    machine.want(MAIN)
    assert machine.end(well=True) == []
    assert machine.pass_time(1_000) == []
    assert machine.want(MAIN) == []
    assert machine.state is HostedState.STOPPED


def test_only_a_proven_death_is_told_and_the_oldest_make_room() -> None:
    machine = Machine(limit=100)
    machine.want(MAIN)
    machine.end(proven=False)
    assert machine.keeper.agents["Main"].dead_boots == ()
    boots = []
    for _ in range(10):
        machine.pass_time(60)
        boots.append(machine.keeper.agents["Main"].boot)
        machine.end()
    assert machine.keeper.agents["Main"].dead_boots == tuple(boots[-8:])


def test_a_dead_boot_is_told_also_when_the_agent_is_not_wanted_any_more() -> None:
    machine = Machine()
    machine.want(MAIN)
    boot = machine.keeper.agents["Main"].boot
    machine.want()
    machine.end(well=True)
    assert machine.keeper.agents["Main"].dead_boots == (boot,)


def test_an_adopted_process_goes_on_while_it_is_wanted_as_it_was() -> None:
    machine = Machine()
    machine.keeper.adopt(MAIN, "a" * 32, 77, machine.now)
    assert machine.want(MAIN) == []
    assert machine.want(MAIN.model_copy(update={"slots": 2})) == [Ask("Main")]


def test_a_host_that_stops_starts_nothing_any_more() -> None:
    machine = Machine()
    machine.want(MAIN)
    assert machine.keeper.stop_all(machine.now) == [Ask("Main")]
    assert machine.end(well=True) == []
    assert machine.keeper.alive == []
