"""``python -m benchmarks.broker``: the tables of docs, measured here and now.

The broker has one core and the load another. Where the load is the slower of the two, what
counts is the processor time per message, which is why it is printed.
"""

import argparse
import os
import resource
from typing import Final

from benchmarks.broker import fleet, latency, presence, retained
from benchmarks.broker.servers import DURABLE, ENROLLED, LOAD_CORE, NAMES, running

_PARTS: Final = ("fleet", "growth", "latency", "presence", "retained", "wills", "durable")
_CROWDS: Final = (0, 1000, 5000)
_OURS: Final = [name for name in NAMES if name.startswith("ours")]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.broker")
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(_PARTS)}; all if none is named")
    parser.add_argument("--brokers", nargs="+", default=NAMES, choices=NAMES)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each steady load")
    parser.add_argument("--publishers", type=int, default=500)
    parser.add_argument("--subscriber-qos", type=int, choices=(0, 1), default=0)
    parser.add_argument("--clients", type=int, default=5000)
    parser.add_argument("--topics", type=int, default=10_000)
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {LOAD_CORE})
    for part in options.parts or _PARTS:
        {
            "fleet": _fleet,
            "growth": _growth,
            "latency": _latency,
            "presence": _presence,
            "retained": _retained,
            "wills": _wills,
            "durable": _durable,
        }[part](options)


def _fleet(options: argparse.Namespace) -> None:
    print(f"\n{options.publishers} publishers, one QoS 1 message in flight each, 300 bytes")
    print(
        f"{'broker':22}{'acknowledged/s':>16}{'delivered/s':>13}{'cpu us each':>13}"
        f"{'x stock':>9}{'x cpu':>7}{'x mosquitto':>13}"
    )
    found: dict[str, fleet.Throughput] = {}
    for name in options.brokers:
        with running(name) as server:
            found[name] = fleet.throughput(
                server, options.publishers, options.seconds, options.subscriber_qos
            )
    for name, one in found.items():
        uvloop = name.endswith("uvloop")
        stock = found.get("stock amqtt, uvloop" if uvloop else "stock amqtt")
        mosquitto = found.get("mosquitto")
        print(
            f"{name:22}{one.acknowledged:16,.0f}{one.delivered:13,.0f}{one.cpu_us:13.1f}"
            f"{one.acknowledged / stock.acknowledged if stock else 0:9.1f}"
            f"{stock.cpu_us / one.cpu_us if stock else 0:7.1f}"
            f"{one.acknowledged / mosquitto.acknowledged if mosquitto else 0:13.2f}",
            flush=True,
        )


def _growth(options: argparse.Namespace) -> None:
    print("\ncpu us of a message of 100 publishers, with so many other agents connected")
    print(f"{'broker':22}{''.join(f'{crowd:10,}' for crowd in _CROWDS)}")
    for name in options.brokers:
        if name.startswith("stock"):
            continue  # it does not let so many in
        each = []
        for crowd in _CROWDS:
            with running(name) as server, presence.crowd(server, crowd):
                each.append(fleet.throughput(server, 100, options.seconds, 0).cpu_us)
        print(f"{name:22}{''.join(f'{one:10.1f}' for one in each)}", flush=True)


def _durable(options: argparse.Namespace) -> None:
    print(
        f"\n{options.publishers} publishers as above, every message retained on a topic of its own"
    )
    print(f"{'broker':22}{'acknowledged/s':>16}{'cpu us each':>13}{'x without':>11}")
    without: fleet.Throughput | None = None
    for name in ("ours, uvloop", "ours, durable", "mosquitto", "mosquitto, persistent"):
        with running(name) as server:
            found = fleet.throughput(
                server, options.publishers, options.seconds, options.subscriber_qos, retain=True
            )
        if name not in DURABLE:
            without = found
        ratio = found.acknowledged / without.acknowledged if without else 0
        print(f"{name:22}{found.acknowledged:16,.0f}{found.cpu_us:13.1f}{ratio:11.2f}", flush=True)


def _latency(options: argparse.Namespace) -> None:
    print("\npublish to subscriber, ms, QoS 1")
    print(f"{'broker':22}{'per second':>12}{'p50':>8}{'p99':>8}{'max':>8}")
    for name in options.brokers:
        for pace in (50, 200):
            with running(name) as server:
                found = latency.delivery(server, pace, options.seconds)
            print(
                f"{name:22}{pace:12}{found.p50:8.2f}{found.p99:8.2f}{found.most:8.2f}", flush=True
            )


def _presence(options: argparse.Namespace) -> None:
    print(f"\n{options.clients} clients, each with a will and a subscription")
    print(f"{'broker':22}{'connect s':>12}{'storm s':>12}{'cpu s':>8}{'kB each':>10}")
    for name in (*options.brokers, ENROLLED):
        if name.startswith("stock") and options.clients > 1000:
            continue  # it takes half a minute and then does not get all of them back
        with running(name) as server:
            found = presence.presence(server, options.clients)
        times = [f"{s:12.2f}" if s else f"{'never':>12}" for s in (found.connect_s, found.storm_s)]
        print(
            f"{name:22}{''.join(times)}{found.cpu_s:8.2f}{found.bytes_each / 1000:10.1f}",
            flush=True,
        )


def _retained(options: argparse.Namespace) -> None:
    print(
        f"\n{options.topics} retained topics replayed, ms: the median and the best of "
        f"{retained.TIMES}, and the broker's processor"
    )
    print(f"{'broker':22}" + "".join(f"{f'QoS {qos}':>10}{'best':>7}{'cpu':>7}" for qos in (0, 1)))
    for name in options.brokers:
        if name.startswith("stock"):
            continue  # see the decision record: it replays to whom it should not
        with running(name) as server:
            retained.retain(server, options.topics)
            took = [retained.replays(server, options.topics, qos) for qos in (0, 1)]
        print(
            f"{name:22}" + "".join(f"{it.median:10.0f}{it.best:7.0f}{it.cpu:7.0f}" for it in took),
            flush=True,
        )


def _wills(options: argparse.Namespace) -> None:
    print("\nthe will of a lost client")
    print(f"{'broker':22}{'kill -9: p50':>14}{'p99 ms':>8}{'SIGSTOP, in keep-alives of 2 s':>34}")
    for name in options.brokers:
        with running(name) as server:
            killed = latency.will_after_kill(server, 50)
            stock = name.startswith("stock")  # which never gives up a silent client
            stopped = "never" if stock else f"{latency.will_after_stop(server, 2):.2f}"
        print(f"{name:22}{killed.p50:14.1f}{killed.p99:8.1f}{stopped:>34}", flush=True)


if __name__ == "__main__":
    main()
