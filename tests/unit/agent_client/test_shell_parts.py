"""The small parts of the shell: clock, settings, back-off, drops, metrics, handlers, exports."""

import logging
import select
from random import Random

import pytest

import agent_client
from agent_client import Agent, BadSetting, connection
from agent_client.backoff import LONGEST_MS, REFUSED_FROM_MS, STABLE_MS, Backoff
from agent_client.binding import is_async
from agent_client.clock import JumpAwareMillis, SystemClock
from agent_client.dropped import Dropped
from agent_client.handlers import Handlers, Ready
from agent_client.metrics import MetricSet, check
from agent_client.settings import BrokerAddress
from agent_client.wakeup import WakeUpQueue
from protocol.errors import BadPayload, Reason
from protocol.servers import Server


class Hands:
    def __init__(self) -> None:
        self.monotonic, self.wall = 0, 1_000_000

    def clock(self) -> JumpAwareMillis:
        return JumpAwareMillis(lambda: self.monotonic, lambda: self.wall)


def test_time_slept_through_counts_though_the_monotonic_clock_stood_still() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.monotonic, hands.wall = 1_000, 1_000_000 + 601_000
    assert clock() == 601_000


@pytest.mark.parametrize("step", [-3_600_000, -1, 900])
def test_a_wall_clock_set_back_or_a_little_forward_changes_nothing(step: int) -> None:
    hands = Hands()
    clock = hands.clock()
    hands.monotonic, hands.wall = 5_000, 1_005_000 + step
    assert clock() == 5_000


def test_after_a_step_back_sleep_is_still_noticed() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.wall -= 3_600_000
    clock()
    hands.wall += 60_000
    assert clock() == 60_000


def test_the_system_clock_moves_forward() -> None:
    clock = SystemClock()
    assert clock.now_ms() <= clock.now_ms()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://host", BrokerAddress("host", 1883)),
        ("mqtt://host:1884/", BrokerAddress("host", 1884)),
        ("mqtts://host", BrokerAddress("host", 8883, tls=True)),
        ("mqtt://one,two:2", BrokerAddress("one", 1883, more=(Server("two", 2),))),
        ("mqtt://me:p%40ss@[::1]:1", BrokerAddress("::1", 1, username="me", password="p@ss")),
    ],
)
def test_a_broker_is_named_by_a_url(url: str, expected: BrokerAddress) -> None:
    assert BrokerAddress.parse(url) == expected


@pytest.mark.parametrize(
    "url", ["host", "http://host", "mqtt://", "mqtt://h:x", "mqtt://h/path", "mqtt://h,"]
)
def test_what_is_no_such_url_is_refused(url: str) -> None:
    with pytest.raises(BadSetting, match="mqtt://host:1883"):
        BrokerAddress.parse(url)


def test_a_password_is_never_shown() -> None:
    with pytest.raises(BadSetting) as refused:
        BrokerAddress.parse("http://me:secret@host")
    assert "secret" not in str(refused.value)
    assert "secret" not in repr(BrokerAddress.parse("mqtt://me:secret@host"))


def test_the_environment_names_broker_and_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEETBUS_BROKER", "mqtt://elsewhere:1999")
    monkeypatch.setenv("FLEETBUS_ROOT", "site/a")
    settings = Agent("bot").settings
    assert (settings.broker.host, settings.broker.port, settings.root) == (
        "elsewhere",
        1999,
        "site/a",
    )


def test_the_environment_names_the_agent_and_its_rhythm_where_the_bot_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FLEETBUS_AGENT", "bot-7")
    monkeypatch.setenv("FLEETBUS_HEARTBEAT_S", "2.5")
    told, own = Agent().settings, Agent("own", heartbeat_s=1.0).settings
    assert (told.name, told.heartbeat_s, told.client_id) == ("bot-7", 2.5, "bot-7")
    assert (own.name, own.heartbeat_s, own.client_id) == ("own", 1.0, "own")


def test_an_agent_that_nobody_named_says_how_to_name_it() -> None:
    with pytest.raises(BadSetting, match="FLEETBUS_AGENT"):
        Agent()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("FLEETBUS_AGENT", "a/b"),
        ("FLEETBUS_AGENT", "coordinator"),
        ("FLEETBUS_HEARTBEAT_S", "soon"),
        ("FLEETBUS_HEARTBEAT_S", "nan"),
        ("FLEETBUS_HEARTBEAT_S", "0"),
    ],
)
def test_a_variable_of_no_use_is_named_with_its_value(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv("FLEETBUS_AGENT", "bot")
    monkeypatch.setenv(variable, value)
    with pytest.raises(BadSetting, match=f"^{variable}='{value}': "):
        Agent()


def test_a_profile_says_what_the_broker_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (Agent("bot").settings.client_id, Agent("bot").settings.profile.subscribe_qos) == (
        "bot",
        1,
    )
    # Fleets that share a broker may have agents of one name.
    assert Agent("bot", root="west/coast").settings.client_id == "west/coast/bot"
    monkeypatch.setenv("FLEETBUS_BROKER_PROFILE", "nats")
    first, second = Agent("bot").settings, Agent("bot").settings
    assert (first.profile.subscribe_qos, first.username) == (0, "bot")
    assert first.client_id.startswith("bot-")
    assert first.client_id != second.client_id
    with pytest.raises(BadSetting, match="one of embedded, mosquitto, emqx, nats"):
        Agent("bot", broker_profile="rabbit")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "coordinator"),
        ("name", "a/b"),
        ("slots", 0),
        ("heartbeat_s", 0.0),
        ("capabilities", ["Not Lower"]),
        ("capabilities", "quest"),
        ("labels", {"": "x"}),
        ("machine_id", "x" * 200),
        ("root", "a//b"),
        ("mode", ""),
    ],
)
def test_a_setting_that_could_not_be_said_on_the_bus_is_refused_at_birth(
    field: str, value: object
) -> None:
    given: dict[str, object] = {"name": "bot", field: value}
    with pytest.raises(BadSetting, match=field):
        Agent(**given)  # type: ignore[arg-type]  # wrong on purpose


def test_delays_double_up_to_a_minute_and_have_full_jitter() -> None:
    backoff, delays = Backoff(Random(7)), []
    for failures in range(12):
        delays.append(backoff.next_ms())
        assert 0 <= delays[-1] <= min(LONGEST_MS, 500 << failures)
    assert max(delays) > 20_000


def test_only_a_connection_that_lived_starts_the_count_anew() -> None:
    backoff = Backoff(Random(7))
    for _ in range(10):
        backoff.next_ms()
    backoff.lived(STABLE_MS - 1)
    assert max(backoff.next_ms() for _ in range(20)) > 20_000
    backoff.lived(STABLE_MS)
    assert backoff.next_ms() <= 500


def test_refused_credentials_are_not_tried_again_for_a_minute() -> None:
    assert Backoff(Random(7)).next_ms(refused=True) >= REFUSED_FROM_MS


def test_drops_are_counted_always_and_logged_once_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    dropped = Dropped()
    error = BadPayload(Reason.NOT_JSON, "line 1")
    with caplog.at_level(logging.WARNING):
        for now in (0, 1, 59_999, 60_000):
            dropped.count("some/topic", b"x" * 1_000, error, now)
    assert dropped.by_reason == {"not_json": 4}
    assert len(caplog.records) == 2
    assert all(len(record.getMessage()) < 350 for record in caplog.records)


@pytest.mark.parametrize(
    ("name", "value"),
    [("CPU", 1.0), ("", 1.0), ("a b", 1.0), ("fps", float("nan")), ("fps", 2.0**60), ("fps", True)],
)
def test_a_metric_that_could_not_be_told_is_the_authors_error(name: str, value: float) -> None:
    with pytest.raises(BadSetting, match="metric"):
        check(name, value)


def test_metrics_of_the_machine_are_there_by_themselves_and_the_bots_own_win() -> None:
    metrics = MetricSet()
    metrics.set("fps", 60)
    metrics.set("memory_usage", 12.5)
    metrics.add("errors_total")
    metrics.add("errors_total")
    numbers = metrics.collect()
    assert 0 <= numbers["cpu_usage"] <= 100
    assert numbers["process_rss_bytes"] > 0
    assert (numbers["fps"], numbers["memory_usage"], numbers["errors_total"]) == (60, 12.5, 2)


def test_there_is_a_bound_to_different_metrics() -> None:
    metrics = MetricSet()
    for number in range(160):
        metrics.set(f"m{number}", 1)
    with pytest.raises(BadSetting, match="at most 160"):
        metrics.set("one_more", 1)
    metrics.set("m0", 2)


def test_a_mode_has_one_handler_and_the_star_takes_the_rest() -> None:
    handlers = Handlers()
    handlers.add(("quest", "trading"), print)
    handlers.add(("*",), repr)
    assert handlers.find("quest") == Ready(print, is_async=False)
    assert handlers.find("combat") == Ready(repr, is_async=False)
    with pytest.raises(BadSetting, match="one handler only"):
        handlers.add(("quest",), repr)


@pytest.mark.parametrize("modes", [(), ("Quest",), ("a b",)])
def test_a_handler_needs_modes_that_exist(modes: tuple[str, ...]) -> None:
    with pytest.raises(BadSetting, match="handler"):
        Handlers().add(modes, print)


def test_a_handler_decorator_without_modes_is_the_authors_error() -> None:
    with pytest.raises(BadSetting, match=r'@agent\.handler\("quest"\)'):
        Agent("bot").handler(print)  # type: ignore[arg-type]  # wrong on purpose


def test_a_broken_connection_is_no_error_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    paho = connection._paho_log
    with caplog.at_level(logging.DEBUG):
        paho.error("failed to receive on socket: %s", "reset by peer")
        paho.error("Caught exception in %s: %s", "on_message", "a bug")
    assert [record.getMessage() for record in caplog.records] == [
        "Caught exception in on_message: a bug"
    ]


def test_coroutine_functions_are_told_apart_even_as_objects() -> None:
    class Async:
        async def __call__(self, task: object) -> None: ...

    async def function(task: object) -> None: ...

    assert is_async(function)
    assert is_async(Async())
    assert not is_async(print)


def test_the_queue_wakes_its_reader_once_and_loses_nothing() -> None:
    queue: WakeUpQueue[int] = WakeUpQueue()
    try:
        queue.put(1, wake=False)
        assert select.select([queue.socket], [], [], 0)[0] == []
        queue.put(2)
        queue.put(3)
        assert select.select([queue.socket], [], [], 5)[0] == [queue.socket]
        assert queue.take(signalled=True) == [1, 2, 3]
        assert select.select([queue.socket], [], [], 0)[0] == []
        queue.put(4)
        assert select.select([queue.socket], [], [], 5)[0] == [queue.socket]
        assert queue.take(signalled=True) == [4]
    finally:
        queue.close()


def test_the_public_names_are_these() -> None:
    assert sorted(agent_client.__all__) == [
        "Agent",
        "AgentError",
        "AlreadyRunning",
        "AsyncTask",
        "BadSetting",
        "Cancelled",
        "Failed",
        "LeaseLost",
        "MustStop",
        "Rejected",
        "SubscriptionRefused",
        "Superseded",
        "Task",
    ]
    assert all(hasattr(agent_client, name) for name in agent_client.__all__)
