"""How quickly the pages respond with a real fleet behind: ``python -m benchmarks.dashboard.live``.

A broker, a coordinator, a control room, 1,000 agents and 100,000 tasks on this machine, and
Debian's Chromium. Every act is done with real keys and clicks, and timed inside the page from the
input to the frame that shows the answer. Where the fleet must store something first, what counts is
the frame that shows that the page has heard; until it shows the fleet's answer is told beside it.
The first act comes some seconds after the page was opened.
"""

import argparse
import dataclasses
import json
import statistics
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.dashboard.acts import Person, Took
from benchmarks.dashboard.large_fleet import large_fleet, sign_in_link
from tests.support.browser import chromium

STOPWATCH: Final = (Path(__file__).parent / "stopwatch.js").read_text()
TARGET_MS: Final = 100
LOOKS_FIRST_MS: Final = 4_000


def measure(kind: str, agents: int, tasks: int, rounds: int, flow_per_s: float) -> list[Took]:
    """Do everything *rounds* times."""
    with large_fleet(kind, agents, tasks, flow_per_s) as room, chromium() as browser:
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        page.add_init_script(STOPWATCH)
        page.goto(f"{room.address}/api/orchestrator/signin?link={sign_in_link(room)}")
        page.locator(".tile").first.wait_for()
        page.wait_for_timeout(LOOKS_FIRST_MS)
        person = Person(page)
        for turn in range(rounds):
            print(f"round {turn + 1} of {rounds} ...", file=sys.stderr)
            person.look_around()
            person.list_tasks()
            person.act_on_many(turn)
            person.create(turn)
            for status in ("pending", "completed", "running"):
                person.one_task(status)
            person.agents(turn)
            person.find()
            person.change_theme()
            person.timeline()
        page.context.close()
    return person.took


def at(times: Sequence[float], part: float) -> float:
    """Return the time that *part* of all do not exceed."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def table(took: Sequence[Took]) -> str:
    """Write a line for each act, and one for all."""
    by_act: dict[str, list[Took]] = defaultdict(list)
    for one in took:
        by_act[one.act].append(one)
    lines = ["| act | times | response, median | worst | the fleet's answer, median | worst |"]
    lines.append("| --- | ---: | ---: | ---: | ---: | ---: |")
    for act, several in [*by_act.items(), ("all", list(took))]:
        said = [one.response_ms for one in several]
        line = f"| {act} | {len(several)} | {statistics.median(said):.0f} ms | {max(said):.0f} ms |"
        stored = [one.answered_ms for one in several if one.stores]
        if stored:
            line += f" {statistics.median(stored):.0f} ms | {max(stored):.0f} ms |"
        lines.append(line if stored else line + " | |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.dashboard.live", description=__doc__
    )
    parser.add_argument("--broker", default="mosquitto", help="embedded or mosquitto (default)")
    parser.add_argument("--agents", type=int, default=1_000, help="agents (default 1000)")
    parser.add_argument("--tasks", type=int, default=100_000, help="tasks (default 100000)")
    parser.add_argument("--rounds", type=int, default=4, help="of all acts (default 4)")
    parser.add_argument(
        "--flow", type=float, default=20, help="further tasks a second (default 20)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args()
    took = measure(given.broker, given.agents, given.tasks, given.rounds, given.flow)
    said: dict[str, Any] = {
        name: at([one.response_ms for one in took], part)
        for name, part in (("p50_ms", 0.5), ("p95_ms", 0.95), ("worst_ms", 1.0))
    }
    said["answer_p95_ms"] = at([one.answered_ms for one in took], 0.95)
    if given.json:
        print(json.dumps({**said, "acts": [dataclasses.asdict(one) for one in took]}, indent=2))
    else:
        print(table(took))
        print(
            f"response p50 {said['p50_ms']:.0f} ms, p95 {said['p95_ms']:.0f} ms"
            f" (target <= {TARGET_MS}), worst {said['worst_ms']:.0f} ms;"
            f" the fleet's answer p95 {said['answer_p95_ms']:.0f} ms"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
