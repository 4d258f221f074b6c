"""The fleet as Prometheus reads it: names by its conventions, and a bounded number of series.

Values are read from the mirror when somebody asks. Labels are words of ours, or modes, reasons and
limits of the plan; those of agents are left out unless the settings ask for them.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from coordinator.core.alerts.words import AlertSeverity
from coordinator.http.live.mirror import Mirror
from coordinator.http.room import Room
from protocol.messages import Summary
from protocol.vocabulary import CoordinatorState, TaskStatus

MOST_LABELS: Final = 200
"""Values of one label; what is beyond is left out, the least first."""
MOST_AGENTS: Final = 2_000
_OVER: Final = {status.value for status in TaskStatus if status.is_terminal}


class FleetCollector(Collector):
    """Reads one control room whenever it is asked."""

    def __init__(self, room: Room, *, of_agents: bool) -> None:
        self._room = room
        self._of_agents = of_agents

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        mirror = self._room.mirror
        yield _gauge("fleetbus_bus_up", "Whether the control room reaches the bus.", mirror.bus)
        yield GaugeMetricFamily(
            "fleetbus_coordinator_silence_seconds",
            "How long ago the coordinator was heard.",
            value=mirror.behind_s,
        )
        state = GaugeMetricFamily(
            "fleetbus_coordinator_state", "1 for the coordinator's state.", labels=["state"]
        )
        for word in (*(one.value for one in CoordinatorState), "unknown"):
            state.add_metric([word], float(mirror.state == word))
        yield state
        summary = mirror.summary
        if summary is not None:
            yield from _of_summary(summary)
        yield from self._of_alerts()
        yield GaugeMetricFamily(
            "fleetbus_web_watchers", "Open event streams.", value=self._room.hub.watchers
        )
        if self._of_agents:
            yield from _of_agents(mirror)

    def _of_alerts(self) -> Iterator[Metric]:
        watch = self._room.watch
        opened = GaugeMetricFamily("fleetbus_alerts_open", "Open alerts.", labels=["severity"])
        for severity in AlertSeverity:
            count = sum(alert.severity is severity for alert in watch.open_alerts)
            opened.add_metric([severity.value], count)
        yield opened
        sent = CounterMetricFamily(
            "fleetbus_alert_messages",
            "Messages by channel and what became of them.",
            labels=["channel", "outcome"],
        )
        for name, tally in sorted(watch.sender.tallies.items())[:MOST_LABELS]:
            for outcome in ("sent", "failed", "dropped"):
                sent.add_metric([name, outcome], getattr(tally, outcome))
        yield sent


def registry_of(room: Room, *, of_agents: bool) -> CollectorRegistry:
    """Return what there is to scrape of *room*."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(FleetCollector(room, of_agents=of_agents))
    return registry


def _of_summary(summary: Summary) -> Iterator[Metric]:
    yield _labelled("fleetbus_agents", "Agents by status.", "status", summary.agents_by_status)
    yield _labelled(
        "fleetbus_agents_by_health", "Agents by health.", "health", summary.agents_by_health
    )
    by_status = summary.tasks_by_status
    live = {status: count for status, count in by_status.items() if status not in _OVER}
    yield _labelled("fleetbus_tasks", "Tasks that are not over, by status.", "status", live)
    ended = CounterMetricFamily(
        "fleetbus_tasks_ended", "Tasks that are over, by how they ended.", labels=["status"]
    )
    for status in sorted(_OVER):
        ended.add_metric([status], by_status.get(status, 0))
    yield ended
    yield _labelled(
        "fleetbus_tasks_waiting", "Waiting tasks by reason.", "reason", summary.blocked_by
    )
    limits = {key: view for key, view in summary.limits.items() if not key.startswith("agent:")}
    most = {key: float(view.max) for key, view in limits.items()}
    used = {key: float(view.used) for key, view in limits.items()}
    yield _labelled("fleetbus_limit", "What may run at once.", "limit", most)
    yield _labelled("fleetbus_limit_used", "What does run.", "limit", used)
    dropped = CounterMetricFamily(
        "fleetbus_messages_dropped", "Messages the coordinator ignored.", labels=["reason"]
    )
    for reason, count in sorted(summary.dropped.items())[:MOST_LABELS]:
        dropped.add_metric([reason], count)
    yield dropped
    yield GaugeMetricFamily(
        "fleetbus_plan_version", "The plan in force.", value=summary.plan_version
    )


def _of_agents(mirror: Mirror) -> Iterator[Metric]:
    metric = GaugeMetricFamily(
        "fleetbus_agent_metric", "The newest numbers of agents.", labels=["agent", "metric"]
    )
    up = GaugeMetricFamily("fleetbus_agent_up", "Whether an agent is there.", labels=["agent"])
    for name in list(mirror.agent_names())[:MOST_AGENTS]:
        card, metrics = mirror.registry(name), mirror.metrics(name)
        if card is None:
            continue
        is_up = card.status.value != "offline"
        up.add_metric([name], float(is_up))
        if metrics is not None and is_up:
            for key, value in metrics.m.items():
                metric.add_metric([name, key], value)
    yield up
    yield metric


def _gauge(name: str, text: str, value: bool) -> Metric:  # noqa: FBT001 -- the value itself
    return GaugeMetricFamily(name, text, value=float(value))


def _labelled(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    largest = sorted(values.items(), key=lambda one: (-one[1], one[0]))[:MOST_LABELS]
    for key, value in sorted(largest):
        family.add_metric([key], value)
    return family
