"""What a bot's author may catch or raise.

- AgentError            the agent cannot go on; raised from ``run()`` or a constructor
  - BadSetting          a value given to the agent is not usable
  - AlreadyRunning      another process of this machine is the same agent
  - Superseded          a newer process bears this agent's name
  - SubscriptionRefused the broker does not let this agent read what it must read
- Failed, Rejected      raised by a handler, to say in its own words how its task ended
- MustStop              raised *into* a handler, which should clean up and let it pass
  - Cancelled           somebody cancelled the task, or one of its limits is reached
  - LeaseLost           the task is, or soon will be, somebody else's

``MustStop`` is no ``Exception``: an ``except Exception`` around a step of work does not hide it.
"""

from protocol.errors import FleetBusError


class AgentError(FleetBusError):
    """The agent cannot go on."""


class BadSetting(AgentError, ValueError):
    """A value given to the agent is not usable."""

    def __init__(self, field: str, value: object, right: str) -> None:
        super().__init__(f"{field}={value!r}: {right}")


class AlreadyRunning(AgentError):
    """Another process of this machine holds the agent's lock."""

    def __init__(self, agent: str, lock: str, pid: int | None) -> None:
        holder = "a process that is just starting" if pid is None else f"process {pid}"
        super().__init__(
            f"agent {agent!r} runs already, or something that it started still does: {holder} "
            f"holds {lock}. End it, or give this agent another name or state directory."
        )
        self.pid = pid


class Superseded(AgentError):
    """A newer process bears this agent's name; two must not work under one name."""

    def __init__(self, agent: str, boot: str, host: str | None) -> None:
        where = f"on {host}" if host else "(its host is not known)"
        super().__init__(
            f"agent {agent!r} was started again {where}, as boot {boot}; this process has stopped. "
            "Give one of the two another name."
        )


class SubscriptionRefused(AgentError):
    """The broker does not let this agent read what it must read."""

    def __init__(self, agent: str, topic: str) -> None:
        super().__init__(
            f"the broker refused agent {agent!r} the subscription to {topic!r}; "
            "its access rules must grant every agent its own inbox, presence and coordinator/#"
        )


class Failed(Exception):
    """The task failed, in the words of its author."""

    def __init__(
        self,
        code: str = "failed",
        message: str = "",
        *,
        retryable: bool = True,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message
        self.retryable = retryable
        self.retry_after_s = retry_after_s


class Rejected(Exception):
    """The agent does not take the task; nothing of it was done."""

    def __init__(
        self,
        code: str = "rejected",
        message: str = "",
        *,
        retryable: bool = True,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message
        self.retryable = retryable
        self.retry_after_s = retry_after_s


class MustStop(BaseException):
    """The handler must stop now."""


class Cancelled(MustStop):
    """Somebody cancelled the task, or one of its limits is reached."""


class LeaseLost(MustStop):
    """The task is, or soon will be, somebody else's."""
