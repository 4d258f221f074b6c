"""What the peers need: a Python environment of their own, and a Redis on loopback."""

import contextlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
REQUIREMENTS: Final = HERE / "requirements.txt"
HOME: Final = HERE.parents[1] / "build" / "peers"
_STARTS_WITHIN_S: Final = 10.0


def peers_python() -> Path:
    """Return the interpreter of the peers' environment; make it when it is missing or old."""
    python, stamp = HOME / "bin" / "python", HOME / "requirements.txt"
    wanted = REQUIREMENTS.read_text()
    if stamp.is_file() and stamp.read_text() == wanted:
        return python
    print(f"installing the peers into {HOME} ...", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", "--clear", HOME], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", str(REQUIREMENTS)], check=True)
    stamp.write_text(wanted)
    return python


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[str]:
    """Run a Redis that writes nothing to disk, which flatters the peers; yield its URL."""
    server = shutil.which("redis-server")
    if server is None:
        raise SystemExit("the peers need Redis; on Debian: apt-get install redis-server")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with (folder / "redis.log").open("w") as log:
        process = subprocess.Popen([server, *options], cwd=folder, stdout=log, stderr=log)
        try:
            _wait_for(port)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()
            process.wait()


def _wait_for(port: int) -> None:
    end = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on 127.0.0.1:{port} after {_STARTS_WITHIN_S:g} s")
