"""Delivering one message through Apprise, whose hundred services know how each wants it.

Apprise is loaded in the thread that sends, when there is something to send: it takes a while, and
most processes never need it. It follows no redirects and logs nothing, because what it would log
is where a secret address is.
"""

import logging
import threading
from typing import TYPE_CHECKING, Final

from coordinator.core.alerts.words import AlertSeverity
from coordinator.shell.alerts.addresses import BadChannel, check_reach, without_secrets
from protocol.errors import FleetBusError

if TYPE_CHECKING:
    from apprise import NotifyBase

TIMEOUT_S: Final = 5.0
_LOGGER: Final = "apprise"
_TALKERS: Final = ("urllib3", "requests")
_LIMIT: Final = 200


class NotDelivered(FleetBusError):
    """The receiver did not take a message; it may take it later."""


class _LastWords(logging.Handler):
    """Keeps what Apprise said last in this thread: the reason if nothing is delivered."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.text = ""
        # Another thread's words may hold another channel's address.
        mine = threading.get_ident()
        self.addFilter(lambda record: record.thread == mine)

    def emit(self, record: logging.LogRecord) -> None:
        self.text = record.getMessage()


def deliver(
    name: str,
    address: str,
    title: str,
    body: str,
    severity: AlertSeverity,
    *,
    allow_local: bool = False,
) -> None:
    """Deliver one message to channel *name*, or raise why not, without a secret in it."""
    from apprise import NotifyFormat, NotifyType  # noqa: PLC0415 -- slow to load

    words, logger = _LastWords(), logging.getLogger(_LOGGER)
    for talker in (_LOGGER, *_TALKERS):
        logging.getLogger(talker).setLevel(logging.WARNING)  # they tell addresses at DEBUG
    logger.propagate = False
    logger.addHandler(words)
    try:
        service = _service(name, address)
        for host in (getattr(service, "host", None), getattr(service, "smtp_host", None)):
            check_reach(name, address, host, allow_local=allow_local)
        kind = {
            AlertSeverity.INFO: NotifyType.INFO,
            AlertSeverity.WARNING: NotifyType.WARNING,
            AlertSeverity.CRITICAL: NotifyType.FAILURE,
        }[severity]
        took = service.notify(
            body=body, title=title, notify_type=kind, body_format=NotifyFormat.TEXT
        )
    except FleetBusError:
        raise
    except Exception as error:  # noqa: BLE001 -- a service of Apprise's may raise anything
        why = without_secrets(str(error), address)[:_LIMIT]
        raise NotDelivered(f"channel {name!r}: {type(error).__name__}: {why}") from None
    finally:
        logger.removeHandler(words)
    if not took:
        why = without_secrets(words.text or "the receiver did not take it", address)[:_LIMIT]
        raise NotDelivered(f"channel {name!r}: {why}")


def _service(name: str, address: str) -> "NotifyBase":
    from apprise import Apprise, AppriseAsset  # noqa: PLC0415 -- slow to load

    asset = AppriseAsset(
        app_id="fleetbus",
        app_desc="fleetbus",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        http_redirects=False,
        async_mode=False,
    )
    service = Apprise.instantiate(address, asset=asset)
    if service is None:
        scheme = address.partition("://")[0]
        raise BadChannel(
            f"channel {name!r}: Apprise cannot use its {scheme}:// address; "
            "see https://github.com/caronc/apprise/wiki"
        )
    # What the address itself may ask for counts less.
    service.redirects = False
    service.socket_connect_timeout = min(service.socket_connect_timeout, TIMEOUT_S)
    service.socket_read_timeout = min(service.socket_read_timeout, TIMEOUT_S)
    return service
