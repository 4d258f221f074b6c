"""The control room's line to the coordinator: it asks on the bus, and waits for the answer.

An answer means that what was asked is done and stored. A request is said again until it is
answered, as it is, so it counts once. Whose act it is goes with it, so the fleet's story names the
person and not the control room.
"""

import asyncio
import contextlib
import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel

from coordinator.http import clock
from coordinator.http.auth.sessions import Who
from coordinator.http.live.mirror import FILTERS, Mirror
from coordinator.http.problems import Refused
from coordinator.http.schemas.base import Fault
from coordinator.shell.bus import Bus
from protocol import codec, limits
from protocol.errors import BadPayload, WireError
from protocol.messages import Reply, Submit
from protocol.strict_json import parse_object
from protocol.topics import InboxChannel
from protocol.vocabulary import SubmitOp

RESEND_S: Final = 2.0
ANSWER_S: Final = 10.0
PLAN_ANSWER_S: Final = 60.0
PING_EVERY_S: Final = 2.0
KEPT_KEYS: Final = 10_000
LABEL: Final = 128

_START = "start it with `fleetbus up` or `fleetbus coordinator`"


def refuse_unsayable(payload: bytes, place: str) -> None:
    """Refuse what the bus would drop without an answer: numbers beyond 2^53, NUL, great depth."""
    try:
        parse_object(payload)
    except BadPayload as error:
        fault = Fault(path=place, expected=f"JSON that every reader reads alike ({error})")
        raise Refused(422, "bad_request", f"{place}: {error}", errors=[fault]) from None


@dataclass(slots=True)
class Link:
    """Asks the coordinator; see :meth:`ask`. One event loop uses it."""

    mirror: Mirror
    client: str
    """The name under which it asks, and is answered; it stays the same from start to start."""
    bus: Bus | None = None
    hear_inbox: Callable[[str, str, bytes], None] = lambda _agent, _channel, _payload: None
    """Called with agent, channel and payload of what the coordinator tells agents."""
    _waiting: dict[str, "asyncio.Future[Reply]"] = field(default_factory=dict)
    _bodies: "OrderedDict[str, str]" = field(default_factory=OrderedDict)

    @property
    def filters(self) -> list[str]:
        """What to subscribe to."""
        topics = self.mirror.topics
        return [topics.under(pattern) for pattern in FILTERS] + [topics.replies(self.client)]

    async def ask(
        self,
        op: SubmitOp,
        who: Who | None,
        *,
        key: str | None = None,
        body: BaseModel | None = None,
        permit: str | None = None,
        within_s: float = ANSWER_S,
        **more: Any,  # noqa: ANN401 -- the other fields of Submit
    ) -> Reply:
        """Ask for *op* on behalf of *who*, and return the coordinator's consent.

        *key* makes the same request of the same bearer be answered as it was; *body* is what must
        be the same then. Raises :class:`Refused`, also when nobody answers.
        """
        request_id = self.fresh_id() if key is None else self.idempotent(key, who, body)
        by = None if who is None else who.name[:LABEL]
        submit = Submit(request_id=request_id, op=op, by=by, key=permit, **more)
        reply = await self.send(submit.request_id, self._encode(submit), within_s)
        if not reply.ok:
            raise Refused.by_coordinator(reply)
        return reply

    async def send(self, request_id: str, payload: bytes, within_s: float) -> Reply:
        """Say *payload* until it is answered, and return the answer."""
        bus = self.bus
        if bus is None or not bus.is_connected:
            raise Refused(503, "bus_unreachable", "the control room has no connection to the bus")
        waiter = self._waiting.get(request_id)
        if waiter is None:
            waiter = self._waiting[request_id] = asyncio.get_running_loop().create_future()
        topic = self.mirror.topics.submit(self.client)
        end_s = clock.mono_s() + within_s
        try:
            while (left_s := end_s - clock.mono_s()) > 0:
                bus.publish(topic, payload, qos=1, retain=False)
                try:
                    async with asyncio.timeout(min(RESEND_S, left_s)):
                        return await asyncio.shield(waiter)
                except TimeoutError:
                    if self.mirror.state == "offline":
                        break
        finally:
            self._waiting.pop(request_id, None)
        raise Refused(503, "coordinator_silent", self._why_silent())

    def idempotent(self, key: str, who: Who | None, body: BaseModel | None) -> str:
        """Return the request id that belongs to *key* of *who*; refuse another body under it."""
        bearer = "" if who is None else who.token or who.name
        request_id = hashlib.sha256(f"{bearer}\x00{key}".encode()).hexdigest()
        digest = "" if body is None else hashlib.sha256(body.model_dump_json().encode()).hexdigest()
        if self._bodies.setdefault(request_id, digest) != digest:
            raise Refused(
                422,
                "idempotency_key_reused",
                "this Idempotency-Key came with another request before; a new request needs a new "
                "key",
            )
        if len(self._bodies) > KEPT_KEYS:
            self._bodies.popitem(last=False)
        return request_id

    @staticmethod
    def fresh_id() -> str:
        """Make the id of a request that nobody will repeat."""
        return secrets.token_hex(16)

    def on_message(self, topic: str, payload: bytes, _retained: bool) -> None:  # noqa: FBT001 -- Bus
        """Take in a message of the bus."""
        topics = self.mirror.topics
        if topic == topics.replies(self.client):
            self._take_answer(payload)
            return
        inbox = f"{topics.base}/inbox/"
        if topic.startswith(inbox):
            agent, _, channel = topic[len(inbox) :].partition("/")
            if channel in {InboxChannel.DESIRED.value, InboxChannel.LEASE.value}:
                self.hear_inbox(agent, channel, payload)
            return
        self.mirror.apply(topic, payload, clock.mono_s())

    async def ping(self) -> None:
        """Ask after the coordinator now and then, until cancelled: silence alone says nothing."""
        while True:
            self.mirror.now_s = clock.mono_s()
            if self.bus is not None and self.bus.is_connected:
                with contextlib.suppress(Refused):
                    await self.ask(SubmitOp.LOOK, None, within_s=PING_EVERY_S)
            await asyncio.sleep(PING_EVERY_S)

    def _take_answer(self, payload: bytes) -> None:
        try:
            reply = codec.decode(Reply, payload)
        except WireError:
            self.mirror.unreadable += 1
            return
        self.mirror.answered(clock.mono_s())
        waiter = self._waiting.get(reply.request_id)
        if waiter is not None and not waiter.done():
            waiter.set_result(reply)

    @staticmethod
    def _encode(submit: Submit) -> bytes:
        payload = submit.model_dump_json(exclude_none=True, exclude_defaults=True).encode()
        if len(payload) > limits.LARGE_MESSAGE_BYTES:
            raise Refused(
                413,
                "too_large",
                f"{len(payload)} bytes on the bus, at most {limits.LARGE_MESSAGE_BYTES}",
            )
        refuse_unsayable(payload, "body")
        return payload

    def _why_silent(self) -> str:
        state = self.mirror.state
        said = self.mirror.coordinator
        if state == "offline":
            return f"the coordinator is offline; {_START}"
        if state == "safe" and said is not None and said.reason:
            return said.reason
        if said is None:
            return f"no coordinator is on this bus; {_START}"
        return f"the coordinator ({said.coord}) does not answer"
