"""A TCP proxy before a server of the tests: it forwards, and cuts, holds or turns away when it is told to."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Self

_CHUNK = 65_536


class Proxy:
    """Forwards connections to 127.0.0.1:`port`. cut_after: bytes of replies that pass before the link is cut, once."""

    def __init__(self, port: int, *, host: str = "127.0.0.1", listen: int = 0) -> None:
        self.target = port
        self.cut_after: int | None = None
        self.cuts = 0
        self._listener = socket.create_server((host, listen))
        self.port: int = self._listener.getsockname()[1]
        self._links: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    def cut_all(self) -> None:
        """End every connection that there is."""
        with self._lock:
            links, self._links = self._links, set()
        for link in links:
            _end(link)

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _end(self._listener)
        self.cut_all()
        self._accepting.join(5)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self.target), timeout=5)
                except OSError:
                    near.close()
                    continue
                far.settimeout(None)
                with self._lock:
                    self._links |= {near, far}
                threading.Thread(target=self._carry, args=(near, far), daemon=True).start()
                threading.Thread(target=self._carry_back, args=(far, near), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                target.sendall(data)
        _end(source)
        _end(target)

    def _carry_back(self, source: socket.socket, target: socket.socket) -> None:
        """Replies, which may be cut in their middle."""
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                with self._lock:
                    allowed, is_cut = self._allowed(data)
                target.sendall(allowed)
                if is_cut:
                    break
        _end(source)
        _end(target)

    def _allowed(self, data: bytes) -> tuple[bytes, bool]:
        if self.cut_after is None or len(data) <= self.cut_after:
            self.cut_after = None if self.cut_after is None else self.cut_after - len(data)
            return data, False
        allowed, self.cut_after = data[: self.cut_after], None
        self.cuts += 1
        return allowed, True


@contextlib.contextmanager
def forwarded(host: str, port: int) -> Iterator[Proxy]:
    """The same port at another loopback address leads to the server, too."""
    with Proxy(port, host=host, listen=port) as proxy:
        yield proxy


def _end(link: socket.socket) -> None:
    with contextlib.suppress(OSError):
        link.shutdown(socket.SHUT_RDWR)
    link.close()
