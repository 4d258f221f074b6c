"""Sending messages: a thread and a bounded queue for each channel, so none waits for another.

To send is to put into a queue and never blocks. A message that is not delivered is tried again with
growing pauses and given up after the last; when a queue is full its oldest message goes. What
became of the messages is counted, and the last failure is kept for people to see.
"""

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from coordinator.core.alerts.telling import Notice
from coordinator.core.alerts.words import AlertSeverity
from coordinator.plan.upkeep import Channel
from coordinator.shell.alerts.addresses import BadChannel
from protocol.errors import FleetBusError

log = logging.getLogger("fleetbus.alerts")

MOST_WAITING: Final = 100
PAUSES_S: Final = (2.0, 10.0, 60.0, 300.0)
"""Between the attempts; after the last one fails, the message is given up."""


class Letter(NamedTuple):
    """What is to be delivered."""

    title: str
    body: str
    severity: AlertSeverity


TEST: Final = Letter("Test: fleetbus", "Alerts of this fleet reach you here.", AlertSeverity.INFO)

Deliver = Callable[[str, Channel, Letter], None]
"""Delivers a letter to a channel of a name, or raises."""


@dataclass(slots=True)
class Tally:
    """What became of a channel's messages."""

    sent: int = 0
    failed: int = 0
    """Given up after the last attempt."""
    dropped: int = 0
    """Pushed out of a full queue."""
    last_error: str | None = None


@dataclass(slots=True)
class _Box:
    """The queue and the thread of one channel."""

    name: str
    channel: Channel
    deliver: Deliver
    pauses_s: tuple[float, ...]
    tally: Tally
    letters: "queue.Queue[Letter]" = field(default_factory=lambda: queue.Queue(MOST_WAITING))
    stop: threading.Event = field(default_factory=threading.Event)
    wake: threading.Event = field(default_factory=threading.Event)

    def put(self, letter: Letter) -> None:
        while True:
            try:
                self.letters.put_nowait(letter)
            except queue.Full:
                self._drop_oldest()
            else:
                self.wake.set()
                return

    def _drop_oldest(self) -> None:
        try:
            self.letters.get_nowait()
        except queue.Empty:
            return
        self.tally.dropped += 1

    def run(self) -> None:
        while not self.stop.is_set():
            self.wake.wait()
            self.wake.clear()
            while not self.stop.is_set():
                try:
                    letter = self.letters.get_nowait()
                except queue.Empty:
                    break
                self._send(letter)

    def _send(self, letter: Letter) -> None:
        for pause_s in (*self.pauses_s, None):
            try:
                self.deliver(self.name, self.channel, letter)
            except FleetBusError as error:
                self.tally.last_error = str(error)
                if pause_s is None or isinstance(error, BadChannel):
                    break
                if self.stop.wait(pause_s):
                    return
            else:
                self.tally.sent += 1
                self.tally.last_error = None
                return
        self.tally.failed += 1
        log.warning("an alert was not delivered: %s", self.tally.last_error)


@dataclass(slots=True)
class Sender:
    """Sends to the channels of the plan in force; see the module. One thread calls it."""

    deliver: Deliver
    pauses_s: tuple[float, ...] = PAUSES_S
    tallies: dict[str, Tally] = field(default_factory=dict)
    _boxes: dict[str, _Box] = field(default_factory=dict)

    def use(self, channels: Mapping[str, Channel]) -> None:
        """Send to these *channels* from now on; what waits for another one is dropped."""
        for name, box in list(self._boxes.items()):
            if channels.get(name) != box.channel:
                self._end(self._boxes.pop(name))
        for name, channel in channels.items():
            if name not in self._boxes:
                tally = self.tallies.setdefault(name, Tally())
                box = _Box(name, channel, self.deliver, self.pauses_s, tally)
                self._boxes[name] = box
                # A daemon: a receiver that never answers must not keep the process alive.
                threading.Thread(target=box.run, name=f"alerts-{name}", daemon=True).start()

    def send(self, notice: Notice) -> tuple[str, ...]:
        """Put *notice* in the queue of every channel that is loud enough; return their names."""
        letter = Letter(notice.title, notice.body, notice.severity)
        told = []
        for name, box in self._boxes.items():
            is_meant = not notice.channels or name in notice.channels
            is_loud = notice.severity.rank >= box.channel.min_severity.rank
            if box.channel.enabled and is_meant and is_loud:
                box.put(letter)
                told.append(name)
        return tuple(told)

    def waiting(self, name: str) -> int:
        """Say how many messages wait for channel *name*."""
        box = self._boxes.get(name)
        return 0 if box is None else box.letters.qsize()

    def close(self) -> None:
        """End every thread that is not in the middle of a delivery; what waits is dropped."""
        for box in self._boxes.values():
            self._end(box)
        self._boxes.clear()

    @staticmethod
    def _end(box: _Box) -> None:
        box.stop.set()
        box.wake.set()
