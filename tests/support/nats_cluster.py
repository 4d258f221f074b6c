"""Three nats-servers that are one cluster, each of which may be killed and brought back."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.support.brokers import HOST, READY_WITHIN_S, free_port

NODES: Final = 3
_ANSWERS_WITHIN_S: Final = 5.0
_LOOK_EVERY_S: Final = 0.05
_LEADER: Final = "metadata leader"


class NatsCluster:
    """The nodes are numbers from 0; what each keeps on its disk outlives its death."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        self.ports = [free_port() for _ in range(NODES)]
        """Where each node listens for MQTT."""
        self._folder = folder
        self._stack = stack
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        routes = [free_port() for _ in range(NODES)]
        for node in range(NODES):
            self._configure(node, routes)

    def ports_from(self, node: int) -> tuple[int, ...]:
        """Return the ports of all nodes, first that of *node*."""
        return (*self.ports[node:], *self.ports[:node])

    def start(self, node: int) -> None:
        """Let *node* begin; :meth:`wait_until_it_answers` says when it serves."""
        with self._log(node).open("ab") as log:
            self._processes[node] = subprocess.Popen(
                [str(Path(sys.executable).with_name("nats-server")), "-c", f"node-{node}.conf"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
            )
        self._stack.callback(self.kill, node)

    def kill(self, node: int) -> None:
        """End it as a power cut would, unless it has ended."""
        self._processes[node].kill()
        self._processes[node].wait()

    def wait_until_it_answers(self, node: int) -> None:
        """Return once *node* lets somebody in, which it does when the cluster can store."""
        deadline = time.monotonic() + READY_WITHIN_S
        # Whoever comes before there is a leader is kept for 5 s and then sent away.
        while _LEADER not in self.said(node) or not _lets_in(self.ports[node]):
            time.sleep(_LOOK_EVERY_S)
            if self._processes[node].poll() is not None:
                raise ChildProcessError(f"node {node} ended early: {self.said(node)}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"node {node} does not answer: {self.said(node)}")

    def said(self, node: int) -> str:
        """Return what is in the log of *node*."""
        return self._log(node).read_text(errors="replace")

    def _log(self, node: int) -> Path:
        return self._folder / f"node-{node}.log"

    def _configure(self, node: int, routes: list[int]) -> None:
        others = ", ".join(f'"nats-route://{HOST}:{port}"' for port in routes)
        # With the pool of routes that is the default, the store's answers to a node may wait in the
        # route behind what is said to a client of that node, which waits for just that answer.
        routing = f"name: test, pool_size: -1, routes: [{others}]"
        (self._folder / f"node-{node}.conf").write_text(
            f"server_name: node-{node}\n"
            f'host: "{HOST}"\nport: -1\n'
            f'jetstream {{ store_dir: "store-{node}" }}\n'
            f'cluster {{ host: "{HOST}", port: {routes[node]}, {routing} }}\n'
            f'mqtt {{ host: "{HOST}", port: {self.ports[node]}, max_ack_pending: 1000,'
            f" stream_replicas: {NODES} }}\n"
        )


@contextlib.contextmanager
def nats_cluster(folder: Path) -> Iterator[NatsCluster]:
    """Run three nodes in *folder*, open to everyone."""
    with contextlib.ExitStack() as stack:
        cluster = NatsCluster(folder, stack)
        for node in range(NODES):
            cluster.start(node)
        for node in range(NODES):
            cluster.wait_until_it_answers(node)
        yield cluster


def _lets_in(port: int) -> bool:
    """Say whether the server there answers a CONNECT in time; a refusal comes at once."""
    client = paho.Client(CallbackAPIVersion.VERSION2, reconnect_on_failure=False)
    client.connect_timeout = _ANSWERS_WITHIN_S
    try:
        client.connect(HOST, port)
    except OSError:
        return False
    deadline = time.monotonic() + _ANSWERS_WITHIN_S
    while not client.is_connected() and time.monotonic() < deadline:
        if client.loop(0.1) != paho.MQTT_ERR_SUCCESS:
            return False
    connected = client.is_connected()
    client.disconnect()
    return connected
