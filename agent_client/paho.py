"""paho's client, loaded without what only TLS, web sockets and proxies need.

paho imports ``ssl``, ``hashlib`` and ``urllib.request`` (which brings the HTTP client and the
e-mail parser) before it knows whether anybody wants them: 7 MiB, and a third of the time to start.
While paho loads, each of these that nobody has loaded yet is a stand-in that loads it when used.
"""

import importlib
import sys
import urllib
from types import ModuleType
from typing import Any, Final

_SPARED: Final = ("ssl", "hashlib", "urllib.request")
_CAUGHT: Final = frozenset({"SSLWantReadError", "SSLWantWriteError", "CertificateError"})
"""What paho names in its ``except`` clauses: a module that was never loaded cannot raise it."""


class _Later(ModuleType):
    """A module that is loaded when something in it is asked for."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - anything may be in a module
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        if name in _CAUGHT and self.__name__ not in sys.modules:
            return ()
        return getattr(importlib.import_module(self.__name__), name)


def _load() -> None:
    later = {name: _Later(name) for name in _SPARED if name not in sys.modules}
    # Whoever imports one of them in another thread meanwhile gets a stand-in, and that works.
    sys.modules.update(later)
    if "urllib.request" in later:
        urllib.request = later["urllib.request"]
    try:
        importlib.import_module("paho.mqtt.client")
    finally:
        for name, module in later.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


_load()

from paho.mqtt.client import (  # noqa: E402 - loaded above
    MQTT_ERR_SUCCESS,
    Client,
    ConnectFlags,
    DisconnectFlags,
    MQTTMessage,
    MQTTv311,
)
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode  # noqa: E402
from paho.mqtt.properties import Properties  # noqa: E402
from paho.mqtt.reasoncodes import ReasonCode  # noqa: E402

__all__ = [
    "MQTT_ERR_SUCCESS",
    "CallbackAPIVersion",
    "Client",
    "ConnectFlags",
    "DisconnectFlags",
    "MQTTErrorCode",
    "MQTTMessage",
    "MQTTv311",
    "Properties",
    "ReasonCode",
]
