"""``fleetbus conformance``: try an agent program, in whatever language it is written."""

import time
from collections import Counter
from typing import Annotated

import typer

from coordinator.cli import screen
from coordinator.cli.conformance.assertions import GROUPS, Finding, Judge, Verdict
from coordinator.cli.conformance.scenes import SCENES
from coordinator.cli.conformance.stage import NotStarted, staged
from coordinator.cli.options import AsJson

_MARKS = {
    Verdict.PASSED: screen.GOOD,
    Verdict.NOT_CLAIMED: screen.WARN,
    Verdict.FAILED: screen.BAD,
    Verdict.NOT_REACHED: screen.BAD,
}


def conformance(
    *,
    agent: Annotated[
        str,
        typer.Option("--agent", metavar="CMD", help="The command that starts the agent program."),
    ],
    as_json: AsJson = False,
) -> None:
    """Try any agent program against a scripted coordinator, and judge it by numbered assertions.

    A broker of its own runs on this machine meanwhile. The program is told where by
    FLEETBUS_BROKER (and _HOST, _PORT), and FLEETBUS_ROOT, FLEETBUS_AGENT and FLEETBUS_HEARTBEAT_S;
    docs/protocol.md tells what it has to do. The status is 1 if an assertion fails, 2 if the
    program cannot be tried. It takes about a minute and a half.

    Example: fleetbus conformance --agent "node examples/node-agent/agent.js"
    """
    began = time.monotonic()
    judge = Judge()
    try:
        with staged(agent) as stage:
            stage.start()
            for scene in SCENES:
                if not as_json:
                    print(f"... {(scene.__doc__ or '').splitlines()[0]}", flush=True)
                scene(stage, judge)
    except NotStarted as error:
        if not judge.findings:
            screen.complain(f"{agent!r} cannot be tried: {error}")
            raise typer.Exit(2) from None
        screen.complain(f"the trial ended early: {error}")
    except (KeyError, IndexError, TypeError) as error:
        screen.complain(f"the trial ended early: the agent left out what was needed: {error!r}")
    findings = judge.report()
    took_s = round(time.monotonic() - began, 1)
    (_print_json if as_json else _print_table)(agent, findings, took_s)
    if not all(finding.is_good for finding in findings):
        raise typer.Exit(1)


def _print_json(agent: str, findings: list[Finding], took_s: float) -> None:
    listed = [
        {"id": one.id, "verdict": one.verdict.value, "expected": one.expected, "seen": one.seen}
        for one in findings
    ]
    conforms = all(finding.is_good for finding in findings)
    screen.print_json(
        {"agent": agent, "conforms": conforms, "took_s": took_s, "assertions": listed}
    )


def _print_table(agent: str, findings: list[Finding], took_s: float) -> None:
    for group, about in GROUPS.items():
        print(f"\n{group}: {about}")
        for one in findings:
            if one.id.startswith(f"{group}-"):
                print(f"{_MARKS[one.verdict]} {one.id:<8} {one.expected}")
                if one.verdict is not Verdict.PASSED:
                    print(f"           {one.verdict.value}; seen: {screen.printable(one.seen)}")
    counts = Counter(one.verdict for one in findings)
    told = ", ".join(f"{counts[verdict]} {verdict.value}" for verdict in Verdict if counts[verdict])
    print(f"\n{agent}: {told}, in {took_s:g} s")
