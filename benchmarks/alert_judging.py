"""What one look of the alerts' judge costs, with a calm fleet and with one that is gone.

Run: python -m benchmarks.alert_judging
"""

import time
from dataclasses import replace

from coordinator.core.alerts.judge import judge
from coordinator.core.alerts.observation import AgentSeen, Observation
from coordinator.core.alerts.record import AlertState
from coordinator.core.alerts.rules import DEFAULTS
from protocol.vocabulary import CoordinatorState

LOOKS = 30


def look_ms(agents: int, *, gone: bool) -> float:
    """Return the median milliseconds of one look, after the first."""
    seen = Observation(
        coordinator=CoordinatorState.ONLINE,
        agents=tuple(AgentSeen(f"a{n}", f"m{n // 40}", is_gone=gone) for n in range(agents)),
        waiting=(),
        limits={},
    )
    state, took = AlertState(), []
    for n in range(LOOKS):
        begin = time.perf_counter()
        judged = judge(state, replace(seen), DEFAULTS, 10**12 + n * 10_000)
        took.append((time.perf_counter() - begin) * 1000)
        state = judged.state
    return sorted(took)[LOOKS // 2]


def main() -> None:
    """Print the table."""
    print(f"{'agents':>8} {'calm ms':>9} {'gone ms':>9}")
    for agents in (100, 1_000, 10_000):
        calm, gone = look_ms(agents, gone=False), look_ms(agents, gone=True)
        print(f"{agents:>8} {calm:>9.2f} {gone:>9.2f}")


if __name__ == "__main__":
    main()
