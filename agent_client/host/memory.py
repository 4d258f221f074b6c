"""What a host remembers beyond its own life: which processes it has started, under which boots.

A boot is noted before its process is started and until it is known to have ended. So whatever a
killed host has left running is found again, be it by its pid or by the boot in its environment.
"""

import contextlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from pydantic import ValidationError

from agent_client.errors import AgentError, AlreadyRunning
from agent_client.state.lock import InstanceLock
from protocol.messages import HostOrder

_NO_TIME: Final = 0.5


class AlreadyHosted(AgentError):
    """Another host of this machine uses the same state directory."""

    def __init__(self, folder: Path, pid: int | None) -> None:
        super().__init__(
            f"a host runs already on {folder} (pid {pid or 'unknown'}); "
            "stop it, or give this one another --state-dir and --machine"
        )


@dataclass(frozen=True, slots=True)
class Noted:
    """One process that was, or was about to be, started."""

    order: HostOrder
    boot: str
    pid: int | None = None
    created: float | None = None


class HostMemory:
    """The state directory of one host, held from the constructor until :meth:`close`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self._lock = InstanceLock(folder / "host.lock", "host", within_s=_NO_TIME)
        except AlreadyRunning as error:
            raise AlreadyHosted(folder, error.pid) from None
        self.boots = folder / "boots"
        self.boots.mkdir(mode=0o700, exist_ok=True)
        self._file = folder / "host.json"
        self._noted: dict[str, Noted] = {}
        self._told: list[dict[str, Any]] = []
        self.last_epoch = 0
        self.left = self._read()

    @classmethod
    def held(cls, folder: Path) -> "contextlib.closing[Self]":
        """Hold *folder* for a while."""
        return contextlib.closing(cls(folder))

    def _read(self) -> list[Noted]:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, ValidationError):
            document = json.loads(self._file.read_bytes())
            self.last_epoch = int(document["epoch"])
            return [
                Noted(
                    HostOrder.model_validate(one["order"]),
                    one["boot"],
                    one.get("pid"),
                    one.get("created"),
                )
                for one in document["processes"]
            ]
        return []

    def note(self, noted: Noted) -> None:
        """Remember a process of this boot, which is about to be started or runs."""
        self._noted[noted.boot] = noted
        self._write()

    def forget(self, boot: str) -> None:
        """Remember nothing of *boot*, which is dead."""
        self._noted.pop(boot, None)
        (self.boots / boot).unlink(missing_ok=True)
        self._write()

    def begin(self, epoch: int) -> None:
        """Note the epoch of this life."""
        self.last_epoch = epoch
        self._write()

    def tell(self, agents: Iterable[dict[str, Any]]) -> None:
        """Let programs of this machine see how the agents are, without the bus."""
        told = list(agents)
        if told != self._told:
            self._told = told
            self._write()

    def _write(self) -> None:
        document = {
            "epoch": self.last_epoch,
            "agents": self._told,
            "processes": [
                {
                    "boot": noted.boot,
                    "pid": noted.pid,
                    "created": noted.created,
                    "order": noted.order.model_dump(mode="json"),
                }
                for noted in self._noted.values()
            ],
        }
        draft = self._file.with_suffix(".draft")
        draft.write_text(json.dumps(document, indent=1) + "\n")
        draft.replace(self._file)

    def close(self) -> None:
        """Let another host have the directory."""
        self._lock.release()
