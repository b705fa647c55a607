"""Where the dashboard listens, and whether it answers there."""

import errno
import http.client
import os
import socket
from dataclasses import dataclass

from .console import Stop, usage

FIRST_PORT = 8000
LAST_PORT = 8099


@dataclass(frozen=True)
class Address:
    """A bound socket: from now on nobody else can take the port."""

    host: str
    port: int
    socket: socket.socket

    @property
    def url(self) -> str:
        """What to type into a browser on this machine."""
        return f"http://{_bracketed(_reachable(self.host))}:{self.port}/"

    def answers(self) -> bool:
        """Whether GET /livez says 200. Asked directly: a proxy of the environment is not for this machine."""
        link = http.client.HTTPConnection(_reachable(self.host), self.port, timeout=5)
        try:
            link.request("GET", "/livez", headers={"Host": f"{_bracketed(_reachable(self.host))}:{self.port}"})
            return link.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            link.close()


def reserve() -> Address:
    """The address of HOST and PORT, or of the first free port from 8000."""
    host = os.environ.get("HOST", "").strip() or "127.0.0.1"
    told = os.environ.get("PORT", "").strip()
    if told:
        return _exactly(host, told)
    for port in range(FIRST_PORT, LAST_PORT + 1):
        bound = _bind(host, port)
        if bound is not None:
            return Address(host, port, bound)
    raise Stop(f"no port from {FIRST_PORT} to {LAST_PORT} is free on {host}; name one with PORT=...", code=2)


def free_port() -> int:
    """A loopback port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _exactly(host: str, told: str) -> Address:
    if not (told.isascii() and told.isdecimal() and 0 < int(told) < 65536):
        usage(f"PORT must be a number from 1 to 65535, not {told!r}")
    bound = _bind(host, int(told))
    if bound is None:
        usage(f"port {told} of {host} is taken; name another PORT, or none to have a free one chosen")
    return Address(host, int(told), bound)


def _bind(host: str, port: int) -> socket.socket | None:
    """A socket bound there, or None if the port is taken."""
    try:
        family, kind, *_, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(where)
        # Linux lets two sockets bind while neither listens, so only listening makes the port ours.
        bound.listen(128)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return None
        usage(f"cannot listen on {host} port {port}: {error.strerror or error}")
    return bound


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
