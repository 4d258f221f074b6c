"""``make interop``: the Eclipse Paho interoperability suite for MQTT 3.1.1 against our broker.

The suite is fetched, at one commit, from where it lives; nothing of it is kept in this repository.
Each test gets a fresh broker: our own, the same with what it keeps on disk, and mosquitto to
compare. The exit status is 0 if ours pass every test.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from tests.support.brokers import BrokerAddress, mosquitto_broker, open_broker

SOURCE: Final = "https://github.com/eclipse/paho.mqtt.testing"
COMMIT: Final = "9d7bb80bb8b9d9cfc0b52f8cb4c1916401281103"
TESTS: Final = (
    "testBasic",
    "test_retained_messages",
    "will_message_test",
    "test_zero_length_clientid",
    "test_offline_message_queueing",
    "test_overlapping_subscriptions",
    "test_keepalive",
    "test_redelivery_on_reconnect",
    "test_subscribe_failure",
    "test_dollar_topics",
    "test_unsubscribe",
)
"""All of them by name, because unittest would not find the one about wills."""

_OURS: Final = "ours"
_ROOT: Final = Path(__file__).parents[1]
_ONE_TEST: Final = _ROOT / "tools" / "interop_one.py"
_WITHIN_S: Final = 120
_AT_ONCE: Final = 6  # they wait most of the time

Running = Callable[[Path], AbstractContextManager[BrokerAddress]]
BROKERS: Final[Mapping[str, Running]] = {
    _OURS: open_broker,
    "ours, durable": lambda folder: open_broker(folder, data=folder / "kept"),
    "mosquitto": mosquitto_broker,
}


def main() -> None:
    """Run what is asked for and print who passed what."""
    parser = argparse.ArgumentParser(prog="make interop", description=__doc__)
    parser.add_argument("--source", default=SOURCE, help="the suite's git repository")
    parser.add_argument("--into", type=Path, default=_ROOT / "build" / "paho.mqtt.testing")
    parser.add_argument("--brokers", nargs="+", default=list(BROKERS), choices=BROKERS)
    parser.add_argument("--tests", nargs="+", default=list(TESTS), choices=TESTS)
    parser.add_argument("--json", action="store_true", help="the results as JSON")
    options = parser.parse_args()
    try:
        fetch(options.source, options.into)
    except subprocess.CalledProcessError as error:
        sys.exit(
            f"the suite is not to be had from {options.source}: git ended with {error.returncode}"
        )
    folder = options.into / "interoperability"
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        going = {
            (broker, test): threads.submit(judge, folder, BROKERS[broker], test)
            for broker in options.brokers
            for test in options.tests
        }
        found = {pair: one.result() for pair, one in going.items()}
    if options.json:
        print(json.dumps([{"broker": b, "test": t, "complaint": c} for (b, t), c in found.items()]))
    else:
        show(options.brokers, options.tests, found)
    sys.exit(any(said and broker.startswith(_OURS) for (broker, _), said in found.items()))


def fetch(source: str, into: Path) -> None:
    """Bring the suite at :data:`COMMIT` from the git repository *source* into the folder *into*."""
    git = ["git", "-C", str(into)]
    if not (into / ".git").exists():
        into.mkdir(parents=True, exist_ok=True)
        subprocess.run([*git, "init", "--quiet"], check=True)
    known = subprocess.run([*git, "cat-file", "-e", COMMIT], check=False, capture_output=True)
    if known.returncode:
        subprocess.run([*git, "fetch", "--quiet", "--depth", "1", source, COMMIT], check=True)
    checkout = [*git, "-c", "advice.detachedHead=false", "checkout", "--quiet", "--force", COMMIT]
    subprocess.run(checkout, check=True)


def judge(folder: Path, running: Running, test: str) -> str:
    """Run *test* against a fresh broker; return what it says when it fails, "" if it passes."""
    with tempfile.TemporaryDirectory() as scratch, running(Path(scratch)) as broker:
        return complaint(folder, broker.host, broker.port, test)


def complaint(folder: Path, host: str, port: int, test: str) -> str:
    """Run *test* of the suite in *folder*; return what it says when it fails, "" if it passes."""
    command = [sys.executable, str(_ONE_TEST), host, str(port), test]
    try:
        done = subprocess.run(
            command, cwd=folder, check=False, capture_output=True, text=True, timeout=_WITHIN_S
        )
    except subprocess.TimeoutExpired:
        return f"no end after {_WITHIN_S} s"
    if not done.returncode:
        return ""
    return done.stdout + done.stderr or f"ended with {done.returncode}"


def show(brokers: list[str], tests: list[str], found: Mapping[tuple[str, str], str]) -> None:
    """Print a table, and below it what the tests say that ours fails."""
    print(f"{'test':34}{''.join(f'{broker:>16}' for broker in brokers)}")
    for test in tests:
        words = ["FAILED" if found[broker, test] else "passed" for broker in brokers]
        print(f"{test:34}{''.join(f'{word:>16}' for word in words)}")
    counts = [sum(not found[broker, test] for test in tests) for broker in brokers]
    print(" " * 34 + "".join(f"{f'{count} of {len(tests)}':>16}" for count in counts))
    for (broker, test), said in found.items():
        if said and broker.startswith(_OURS):
            print(f"\n{test} on {broker}:\n{said.rstrip()}")


if __name__ == "__main__":
    main()
