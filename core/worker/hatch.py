"""The hatch: how a worker reaches the zygote, whichever process is the zygote now.

A pair of sockets that the supervisor makes and every child inherits, so that nobody else can come in and nothing lies
in a folder. What goes through is two ends of new connections; those that a zygote has not fetched wait for the next.
"""

from __future__ import annotations

import errno
import socket
import struct
from typing import NamedTuple

_FDS = 2
_OWNER = struct.Struct("<q")
_NO_ROOM = frozenset({errno.ENOBUFS, errno.ETOOMANYREFS, errno.ENOMEM})


class Ends(NamedTuple):
    """The far ends of an attempt's connections: line to the child, watch to the zygote; and whose they are."""

    line: socket.socket
    watch: socket.socket
    owner: int

    def close(self) -> None:
        self.line.close()
        self.watch.close()


class Hatch:
    """Made before the forks; either side of it may be used by several processes."""

    def __init__(self) -> None:
        self._inner, self._outer = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._inner.settimeout(0)
        self._outer.settimeout(0)

    def fileno(self) -> int:
        """What becomes readable when somebody knocks."""
        return self._inner.fileno()

    def put(self, ends: Ends) -> bool:
        """Hand ends in; False when there is no room for them now."""
        try:
            socket.send_fds(self._outer, [_OWNER.pack(ends.owner)], [ends.line.fileno(), ends.watch.fileno()])
        except (BlockingIOError, ConnectionRefusedError):
            return False
        except OSError as error:
            if error.errno in _NO_ROOM:
                return False
            raise
        return True

    def fetch(self) -> Ends | None:
        """The next ends; None when nobody knocks."""
        try:
            packed, fds, _, _ = socket.recv_fds(self._inner, _OWNER.size, _FDS)
        except BlockingIOError:
            return None
        opened = [socket.socket(fileno=fd) for fd in fds]
        if len(opened) == _FDS:
            line, watch = opened
            return Ends(line, watch, _OWNER.unpack(packed)[0])
        for each in opened:  # no room for more of them in this process
            each.close()
        return None

    def close(self) -> None:
        self._inner.close()
        self._outer.close()
