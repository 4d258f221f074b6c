"""Epochs, self-healing, and being superseded."""

import pytest

from agent_client.core.identity import Identity, Verdict
from agent_client.messages import Presence
from protocol.vocabulary import PresenceState

OWN, LOW, HIGH = "5" * 32, "1" * 32, "9" * 32


def presence(boot: str, epoch: int, state: PresenceState = PresenceState.ONLINE) -> Presence:
    return Presence(ts_ms=0, agent="a", boot=boot, epoch=epoch, conn=1, seq=1, state=state)


@pytest.fixture
def identity() -> Identity:
    identity = Identity(OWN)
    identity.connecting(1_000)
    identity.choose_epoch()
    identity.state(PresenceState.ONLINE, 0)
    return identity


def test_the_epoch_is_the_wall_clock() -> None:
    identity = Identity(OWN)
    identity.connecting(1_000)
    identity.on_presence(presence(LOW, 999))
    assert identity.choose_epoch()
    assert identity.epoch == 1_000


@pytest.mark.parametrize("source", ["presence", "registry"])
def test_a_clock_that_stepped_back_makes_no_old_boot(source: str) -> None:
    identity = Identity(OWN)
    identity.connecting(1_000)
    if source == "presence":
        identity.on_presence(presence(HIGH, 5_000))
    else:
        identity.on_registry(5_000)
    will_says_so = identity.choose_epoch()
    assert identity.epoch == 5_001
    assert not will_says_so
    identity.connecting(1_000)
    assert identity.will_epoch == 5_001


def test_every_connection_of_a_boot_has_its_number(identity: Identity) -> None:
    identity.connecting(2_000)
    assert (identity.conn, identity.epoch, identity.will_epoch) == (2, 1_000, 1_000)


def test_its_own_statement_is_fine(identity: Identity) -> None:
    assert identity.on_presence(presence(OWN, 1_000)) is Verdict.NOTHING


@pytest.mark.parametrize(
    "shown",
    [
        presence(OWN, 1_000, PresenceState.LOST),
        presence(OWN, 900),
        presence(LOW, 900, PresenceState.LOST),
        presence(HIGH, 900),
    ],
)
def test_what_is_out_of_date_is_corrected(identity: Identity, shown: Presence) -> None:
    assert identity.on_presence(shown) is Verdict.RESTATE


def test_corrections_come_at_most_four_times_a_second(identity: Identity) -> None:
    identity.ask_restatement(100)
    assert identity.restate_due() == 250
    identity.state(PresenceState.ONLINE, 250)
    assert identity.restate_due() is None
    identity.ask_restatement(700)
    assert identity.restate_due() == 700


@pytest.mark.parametrize("state", [PresenceState.ONLINE, PresenceState.LOST])
def test_a_higher_epoch_of_another_boot_supersedes(
    identity: Identity, state: PresenceState
) -> None:
    assert identity.on_presence(presence(LOW, 1_001, state)) is Verdict.SUPERSEDED


def test_nobody_gives_way_to_one_that_said_goodbye(identity: Identity) -> None:
    assert identity.on_presence(presence(LOW, 1_001, PresenceState.OFFLINE)) is Verdict.RAISE_EPOCH
    identity.reconsider_epoch()
    identity.connecting(900)
    identity.choose_epoch()
    assert identity.epoch == 1_002


def test_of_two_boots_of_one_millisecond_exactly_one_moves_on(identity: Identity) -> None:
    assert identity.on_presence(presence(LOW, 1_000)) is Verdict.RAISE_EPOCH
    assert identity.on_presence(presence(HIGH, 1_000)) is Verdict.NOTHING


def test_a_higher_epoch_in_the_registry_makes_the_agent_raise_its_own(identity: Identity) -> None:
    assert identity.on_registry(1_000) is Verdict.NOTHING
    assert identity.on_registry(3_000) is Verdict.RAISE_EPOCH
    identity.reconsider_epoch()
    identity.connecting(1_500)
    identity.choose_epoch()
    assert identity.epoch == 3_001


def test_a_living_successor_is_not_outbid(identity: Identity) -> None:
    identity.on_registry(3_000)
    identity.reconsider_epoch()
    assert identity.on_presence(presence(LOW, 3_000)) is Verdict.SUPERSEDED


def test_a_dead_one_is(identity: Identity) -> None:
    identity.on_registry(3_000)
    identity.reconsider_epoch()
    assert identity.on_presence(presence(LOW, 3_000, PresenceState.LOST)) is Verdict.NOTHING
