"""A TCP link between one process and the broker that a test can cut without anybody noticing.

While it is cut, bytes are taken in and kept; nothing is closed, as with a pulled cable.
"""

import selectors
import socket
import threading
from typing import Final, Self

_HOST: Final = "127.0.0.1"
_CHUNK: Final = 65_536


class CuttableLink:
    """Listens on ``port`` and passes everything to the broker and back, unless cut."""

    def __init__(self, host: str, port: int) -> None:
        self._broker = (host, port)
        self._listener = socket.create_server((_HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._open = threading.Event()
        self._open.set()
        self._closing = False
        self._thread = threading.Thread(target=self._pass_on, name="link", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._closing = True
        self._open.set()
        self._wake.send(b"!")
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._wake.close()
        self._selector.close()

    @property
    def url(self) -> str:
        return f"mqtt://{_HOST}:{self.port}"

    def cut(self) -> None:
        """Let nothing through any more."""
        self._open.clear()

    def mend(self) -> None:
        """Let through what was kept, and everything else."""
        self._open.set()

    def _pass_on(self) -> None:
        while not self._closing:
            ready = self._selector.select()
            self._open.wait()
            for key, _ in ready:
                if key.fileobj is self._listener:
                    near, _ = self._listener.accept()
                    far = socket.create_connection(self._broker)
                    self._selector.register(near, selectors.EVENT_READ, far)
                    self._selector.register(far, selectors.EVENT_READ, near)
                elif isinstance(key.data, socket.socket) and isinstance(key.fileobj, socket.socket):
                    self._pass_chunk(key.fileobj, key.data)

    def _pass_chunk(self, source: socket.socket, target: socket.socket) -> None:
        if source.fileno() < 0:
            return  # the other end has just hung up
        try:
            chunk = source.recv(_CHUNK)
            if chunk:
                target.sendall(chunk)
                return
        except OSError:
            pass  # one end is gone: so is the other
        for end in (source, target):
            self._selector.unregister(end)
            end.close()
