"""What a worker and an isolated child say to each other, and both to the zygote, as bytes on sockets."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import msgspec

from ..model.job import Claim
from ..model.outcome import ErrorDetail, Outcome
from .interrupts import CancelInterrupt, Interrupt, LeaseInterrupt, StopInterrupt, TimeoutInterrupt

_HEAD: Final = struct.Struct("<cI")
_NEWS: Final = struct.Struct("<ci")
_CHUNK: Final = 1 << 16

# From worker to zygote: what to do with the child.
ASK_TO_STOP: Final = b"T"
KILL: Final = b"K"
# From zygote to worker: what became of it, some with a number.
BORN: Final = b"B"  # its process id
ENDED: Final = b"E"  # its wait status
STILLBORN: Final = b"S"  # there is none
# From worker to child, ahead of the signal: why it is to stop.
REASONS: Final[dict[type[Interrupt], bytes]] = {
    TimeoutInterrupt: b"t",
    CancelInterrupt: b"c",
    LeaseInterrupt: b"l",
    StopInterrupt: b"s",
}
KINDS: Final = {letter[0]: kind for kind, letter in REASONS.items()}


class Order(msgspec.Struct, frozen=True, tag="order"):
    """What a child is to run. started, deadline: seconds of the host's monotonic clock, which all its processes share.

    now_ms: the store's time when this was sent. memory_bytes, cpu_s: 0 for no limit. worker: the name in attempt lines.
    """

    claim: Claim
    started: float
    started_ms: int
    deadline: float
    now_ms: int
    worker: str
    memory_bytes: int = 0
    cpu_s: int = 0


class Answer(msgspec.Struct, frozen=True, tag="answer"):
    """How the handler ended, as Finished says it; error in words instead of the exception."""

    outcome: Outcome | None
    name: str
    run_s: float
    error: ErrorDetail | None = None


class Noted(msgspec.Struct, frozen=True, tag="noted"):
    """What the handler noted since it last did, as `tasks.notebook.Page` has it."""

    progress: bytes | None = None
    checkpoint: bytes | None = None
    log: bytes | None = None


Message = Order | Answer | Noted
_encode = msgspec.msgpack.Encoder().encode
_decode: Callable[[bytes], Message] = msgspec.msgpack.Decoder(Message).decode


class News(NamedTuple):
    """What the zygote tells of a child."""

    kind: bytes
    number: int


def send(line: socket.socket, message: Message) -> None:
    packed = _encode(message)
    line.sendall(_HEAD.pack(b"M", len(packed)) + packed)


def receive(line: socket.socket) -> Message | None:
    """The next message, waiting for it; None at the end of the line."""
    head = _exactly(line, _HEAD.size)
    body = head and _exactly(line, _HEAD.unpack(head)[1])
    return _decode(body) if body else None


class Inbox:
    """Messages as they arrive, in whatever pieces."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self.has_ended = False

    def take_in(self, line: socket.socket) -> Iterator[Message]:
        """Read what is there, which must be something, or the end; answers the messages that are whole."""
        try:
            data = line.recv(_CHUNK)
        except ConnectionResetError:
            data = b""
        self.has_ended = not data
        self._bytes += data
        while (message := self._next()) is not None:
            yield message

    def _next(self) -> Message | None:
        if len(self._bytes) < _HEAD.size:
            return None
        end = _HEAD.size + _HEAD.unpack_from(self._bytes)[1]
        if len(self._bytes) < end:
            return None
        body = bytes(self._bytes[_HEAD.size : end])
        del self._bytes[:end]
        return _decode(body)


def tell(watch: socket.socket, kind: bytes, number: int = 0) -> None:
    """From the zygote; a worker that is gone is told nothing."""
    try:
        watch.send(_NEWS.pack(kind, number))
    except OSError:
        pass


def hear(watch: socket.socket) -> News | None:
    """What the zygote says next, waiting for it; None when it is gone."""
    packed = _exactly(watch, _NEWS.size)
    return News(*_NEWS.unpack(packed)) if packed else None


def _exactly(line: socket.socket, size: int) -> bytes:
    """So many bytes; none when the line ends before."""
    found = bytearray()
    while len(found) < size:
        try:
            data = line.recv(size - len(found))
        except ConnectionResetError:
            data = b""
        if not data:
            return b""
        found += data
    return bytes(found)
