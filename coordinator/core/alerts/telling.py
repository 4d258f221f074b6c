"""What is told of alerts, and how seldom.

What was told is compared with what is so; a difference is told when there is room for it. So a
message that had to wait says what is so by then, and what was over before anybody heard of it is
never mentioned. Of one alert there are at most :data:`ALERT_PER_HOUR` messages an hour, of one rule
at most :data:`RULE_PER_HOUR`, which then speak of several alerts each.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, NamedTuple, TypeVar

from coordinator.core.alerts.record import Alert, Key, ToldWhen
from coordinator.core.alerts.rules import HOUR_MS, MINUTE_MS, SECOND_MS, Rule
from coordinator.core.alerts.wording import line_of
from coordinator.core.alerts.words import AlertSeverity, AlertWhen

ALERT_PER_HOUR: Final = 6
RULE_PER_HOUR: Final = 20
GATHER_MS: Final = 5 * SECOND_MS
"""How long an alert about many waits for the others of the same cause."""
SPACING_MS: Final = 30 * SECOND_MS
"""Between two messages of one rule."""
GROWN_MS: Final = 5 * MINUTE_MS
"""How soon it may be told that an alert has become much larger."""
MOST_LINES: Final = 20

_Named = TypeVar("_Named")

_OF_MANY: Final = frozenset(
    {AlertWhen.AGENT_OFFLINE, AlertWhen.AGENT_UNHEALTHY, AlertWhen.TASK_FAILED}
)


@dataclass(frozen=True, slots=True)
class Manner:
    """How often is told what lasts, and whether people sleep."""

    repeat_ms: int
    is_quiet: bool = False
    """Only critical alerts are told now; the others are when the quiet hours are over."""


class News(StrEnum):
    """What a message is about."""

    RAISED = "raised"
    GROWN = "grown"
    REPEATED = "repeated"
    RESOLVED = "resolved"


class Notice(NamedTuple):
    """One message, about one alert or about several of one rule."""

    rule: str
    news: News
    severity: AlertSeverity
    channels: tuple[str, ...]
    """Where it goes; none means every channel."""
    alerts: tuple[Alert, ...]
    title: str
    body: str


class Told(NamedTuple):
    """The alerts with what was told of them, when that was, and the messages."""

    alerts: dict[Key, Alert]
    when: ToldWhen
    notices: tuple[Notice, ...]


def tell(
    alerts: Mapping[Key, Alert],
    told: ToldWhen,
    rules: Mapping[str, Rule],
    now_ms: int,
    manner: Manner,
) -> Told:
    """Return the messages for which it is time."""
    by_rule, by_key = _recent(told.by_rule, now_ms), _recent(told.by_key, now_ms)
    due: defaultdict[str, dict[bool, list[tuple[Key, News]]]] = defaultdict(dict)
    for key, alert in alerts.items():
        news = _news(alert, now_ms, manner)
        if news is not None and len(by_key.get(key, ())) < ALERT_PER_HOUR:
            due[key.rule].setdefault(news is News.RESOLVED, []).append((key, news))
    after, notices = dict(alerts), []
    for rule, found in due.items():
        spoke = by_rule.get(rule, ())
        if spoke and now_ms - spoke[-1] < SPACING_MS:
            continue
        channels = rules[rule].notify if rule in rules else ()
        for group in list(found.values())[: max(0, RULE_PER_HOUR - len(spoke))]:
            for key, _ in group:
                alert = after[key]
                # Of one that is over everything has been told with this message.
                count = len(alert.subjects) if alert.is_open else None
                after[key] = replace(alert, told=count, told_ms=now_ms)
                by_key[key] = (*by_key.get(key, ()), now_ms)
            by_rule[rule] = (*by_rule.get(rule, ()), now_ms)
            about = [(after[key], kind) for key, kind in group]
            notices.append(_notice(rule, channels, about, now_ms))
    return Told(after, ToldWhen(by_rule, by_key), tuple(notices))


def _news(alert: Alert, now_ms: int, manner: Manner) -> News | None:
    """Say what of *alert* should be told now, if anything."""
    if manner.is_quiet and alert.severity is not AlertSeverity.CRITICAL:
        return None
    if not alert.is_open:
        return News.RESOLVED if alert.told is not None else None
    if alert.told is None:
        is_gathering = alert.when in _OF_MANY and 0 <= now_ms - alert.raised_ms < GATHER_MS
        return None if is_gathering else News.RAISED
    since_ms = now_ms - (alert.told_ms or 0)
    if len(alert.subjects) >= 2 * alert.told and since_ms >= GROWN_MS:
        return News.GROWN
    if alert.acknowledged is None and since_ms >= manner.repeat_ms:
        return News.REPEATED
    return None


def _recent(times: Mapping[_Named, tuple[int, ...]], now_ms: int) -> dict[_Named, tuple[int, ...]]:
    return {
        name: recent
        for name, spoke in times.items()
        if (recent := tuple(at for at in spoke if 0 <= now_ms - at < HOUR_MS))
    }


def _notice(
    rule: str, channels: tuple[str, ...], found: list[tuple[Alert, News]], now_ms: int
) -> Notice:
    found.sort(key=lambda one: (-one[0].severity.rank, one[0].id))
    alerts = tuple(alert for alert, _ in found)
    kinds = {news for _, news in found}
    first, news = alerts[0], News.RAISED if News.RAISED in kinds else found[0][1]
    about = rule.replace("_", " ")
    title = f"Resolved: {about}" if news is News.RESOLVED else f"{first.severity.value}: {about}"
    title = title[:1].upper() + title[1:]
    if news is News.REPEATED:
        title += " (still so)"
    lines = [line_of(alert, now_ms) for alert in alerts[:MOST_LINES]]
    if len(alerts) > MOST_LINES:
        lines.append(f"and {len(alerts) - MOST_LINES} more alerts")
    return Notice(rule, news, first.severity, channels, alerts, title, "\n".join(lines))
