"""Routes about alerts: what is open, what was, and whether the channels work."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from coordinator.http.auth.guard import Admin, Operator, Reader
from coordinator.http.errors import REFUSALS, refusals
from coordinator.http.problems import Refused
from coordinator.http.room import RoomOf
from coordinator.http.schemas.alerts import Alert, Alerts, TestAlert
from coordinator.http.schemas.base import Done
from coordinator.http.views.alerts import channels_view, now_view
from coordinator.http.views.cursors import read_cursor, write_cursor
from coordinator.shell.alerts.addresses import BadChannel
from coordinator.shell.alerts.apprise_delivery import NotDelivered
from coordinator.shell.history.alert_records import alert_from
from coordinator.shell.store.errors import StoreUnavailable

router = APIRouter(tags=["alerts"], responses=REFUSALS)


@router.get("/alerts", operation_id="list_alerts")
async def list_alerts(
    _who: Reader,
    room: RoomOf,
    only_open: Annotated[bool, Query(alias="open", description="Only those that last")] = False,  # noqa: FBT002 -- a query parameter
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Alerts:
    """List the alerts, newest first, and the channels they go to."""
    watch = room.watch
    opened = watch.open_alerts
    next_cursor = None
    if only_open:
        total, items = len(opened), [now_view(alert) for alert in opened[:limit]]
    else:
        before = None
        if cursor is not None:
            (before,) = read_cursor(cursor, "alerts", 1)
            if not isinstance(before, int):
                raise Refused.bad("query.cursor", cursor, "a next_cursor that this list gave")
        try:
            records = await watch.in_thread(
                lambda: watch.history.alerts(before_id=before, limit=limit)
            )
            total = await watch.in_thread(watch.history.count_alerts)
        except StoreUnavailable as error:
            raise Refused(503, "store_unavailable", str(error)) from None
        fresh = {alert.id: alert for alert in opened}
        stored = [alert_from(record) for record in records]
        items = [now_view(fresh.get(alert.id, alert)) for alert in stored]
        if len(stored) == limit:
            next_cursor = write_cursor("alerts", [stored[-1].id])
    return Alerts.model_construct(
        items=items,
        next_cursor=next_cursor,
        total=total,
        open=len(opened),
        channels=channels_view(watch),
    )


@router.post("/alerts/test", operation_id="try_channel", responses=refusals(502))
async def try_channel(body: TestAlert, _who: Admin, room: RoomOf) -> Done:
    """Send a test message to a channel now, and say whether it was taken."""
    try:
        await room.watch.test(body.channel)
    except KeyError:
        known = ", ".join(sorted(room.watch.channels)) or "none is in the plan"
        raise Refused.bad("body.channel", body.channel, f"a channel of the plan: {known}") from None
    except (BadChannel, NotDelivered) as error:
        raise Refused(502, "not_delivered", str(error)) from None
    return Done(message=f"{body.channel}: the test message was taken")


@router.post("/alerts/{id}/acknowledge", operation_id="acknowledge_alert")
async def acknowledge_alert(
    id: Annotated[str, Path(max_length=20, pattern=r"^\d+$")],  # noqa: A002 -- the name of the parameter
    who: Operator,
    room: RoomOf,
) -> Alert:
    """Say that somebody has seen to an alert: it is repeated no more."""
    try:
        return now_view(room.watch.acknowledge(int(id), who.name))
    except KeyError:
        raise Refused.unknown("open alert", id) from None
