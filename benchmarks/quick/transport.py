"""A transport that keeps what is written to it: a connection without a socket."""

import asyncio


class Kept(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self._written: list[bytes] = []

    def take(self) -> bytes:
        """Return what was written since this was asked last."""
        written, self._written = b"".join(self._written), []
        return written

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._written.append(bytes(data))

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def close(self) -> None:
        pass

    def abort(self) -> None:
        raise ConnectionAbortedError("a connection that is counted was given up")
