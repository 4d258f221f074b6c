"""Why a broker does not let a client in."""

from typing import Final

_REFUSALS: Final = {
    1: "it does not speak MQTT 3.1.1",
    2: "it does not take this client id",
    3: "it is not available",
    4: "bad user name or password",
    5: "not authorized",
}
_FOR_GOOD: Final = frozenset({1, 2, 4, 5})


class Refused(ConnectionError):
    """The broker said no; ``is_final``: it would say so again."""

    def __init__(self, why: str, *, is_final: bool) -> None:
        super().__init__(why)
        self.is_final = is_final


def refusal(code: int) -> Refused:
    """Return what a CONNACK's *code* means."""
    return Refused(_REFUSALS.get(code, f"code {code}"), is_final=code in _FOR_GOOD)
