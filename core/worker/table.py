"""The slot table: which claims each worker process holds, in memory that its keeper reads without asking it.

One region a process. Every field has one writer: the supervisor (status, exit), the worker (identity, entries), the
keeper (orders, notices; a new claim clears the notice of the one before). A reader may see an entry half written; every
use of it is a compare-and-set on `(raw, token)` in the store, so that such a claim is at worst refused.
"""

from __future__ import annotations

import mmap
import struct
from enum import IntEnum, IntFlag
from typing import NamedTuple

from ..model.ident import RAW_BYTES
from ..model.limits import MAX_QUEUE_CHARS

_STATUS = struct.Struct("<B3xi")  # by the supervisor: status, how it ended
_IDENTITY = struct.Struct("<QQ16sQ?")  # by the worker: pid, birth, id, started_ms, quiet
# by the worker: phase, queue, raw, token, started, deadline
_ENTRY = struct.Struct(f"<B{MAX_QUEUE_CHARS}s{RAW_BYTES}sqqq")
_TIMES = struct.Struct("<qq")
_NOTICE = struct.Struct("<q")  # by the keeper: the token whose lease is gone

_AT_IDENTITY = 16
_AT_ORDERS = 96
_AT_FAREWELL = 104
_AT_ENTRIES = 128
_AT_TIMES = _ENTRY.size - _TIMES.size
_AT_NOTICE = 112
_STRIDE = 128


class Status(IntEnum):
    """Who has a region now."""

    FREE = 0
    TAKEN = 1  # a child was, or is about to be, forked for it
    DEAD = 2  # its process ended; the keeper has yet to see to its claims


class Phase(IntEnum):
    """How far a claim is."""

    EMPTY = 0
    WAITING = 1  # claimed, its handler not started
    RUNNING = 2
    FINISHED = 3  # the handler ended, the settle is not yet accepted
    WRITTEN_OFF = 4  # past its timeout, and the handler does not stop


class Orders(IntFlag):
    """What an operator wants of a worker."""

    NONE = 0
    QUIET = 1
    STOP = 2


class Identity(NamedTuple):
    """What a worker says of itself. started_ms: UTC milliseconds of the host."""

    pid: int
    birth: int
    id: str
    started_ms: int
    is_quiet: bool


class Entry(NamedTuple):
    """One claim in a region; slot is its number there.

    started, deadline: milliseconds of the host's monotonic clock, 0 for none.
    """

    slot: int
    phase: Phase
    queue: str
    raw: bytes
    token: int
    started: int
    deadline: int


class Region:
    """One worker process's part of the table."""

    def __init__(self, view: memoryview, entries: int) -> None:
        self._view = view
        self.entries = entries

    # -- the supervisor writes

    @property
    def status(self) -> Status:
        return Status(self._view[0])

    @property
    def ended(self) -> int:
        """The wait status that its process ended with."""
        return int(_STATUS.unpack_from(self._view, 0)[1])

    def take(self) -> None:
        """Clear the region for the next process."""
        self._view[:] = bytes(len(self._view))
        _STATUS.pack_into(self._view, 0, Status.TAKEN, 0)

    def bury(self, wait_status: int) -> None:
        """Say that the process ended; the keeper sees to its claims and frees the region."""
        _STATUS.pack_into(self._view, 0, Status.DEAD, wait_status)

    def free(self) -> None:
        self._view[0] = Status.FREE

    # -- the worker writes

    def announce(self, identity: Identity) -> None:
        """Say who holds the region; from now on its leases are renewed."""
        packed = bytes.fromhex(identity.id)
        _IDENTITY.pack_into(
            self._view,
            _AT_IDENTITY,
            identity.pid,
            identity.birth,
            packed,
            identity.started_ms,
            identity.is_quiet,
        )

    def say_farewell(self) -> None:
        """Say that the process ends by its own decision, whatever it still holds."""
        self._view[_AT_FAREWELL] = 1

    @property
    def has_said_farewell(self) -> bool:
        return bool(self._view[_AT_FAREWELL])

    def identity(self) -> Identity | None:
        """Who holds the region; None while nobody has announced itself."""
        pid, birth, packed, started_ms, is_quiet = _IDENTITY.unpack_from(self._view, _AT_IDENTITY)
        return Identity(pid, birth, packed.hex(), started_ms, is_quiet) if pid else None

    def admit(self, index: int, queue: bytes, raw: bytes, token: int) -> None:
        """Publish a claim."""
        at = _AT_ENTRIES + index * _STRIDE
        _ENTRY.pack_into(self._view, at, Phase.EMPTY, queue, raw, token, 0, 0)
        _NOTICE.pack_into(self._view, at + _AT_NOTICE, 0)  # another queue may have counted to the same token
        self._view[at] = Phase.WAITING

    def start(self, index: int, started: int, deadline: int) -> None:
        """Publish that its handler starts."""
        at = _AT_ENTRIES + index * _STRIDE
        _TIMES.pack_into(self._view, at + _AT_TIMES, started, deadline)
        self._view[at] = Phase.RUNNING

    def set_phase(self, index: int, phase: Phase) -> None:
        self._view[_AT_ENTRIES + index * _STRIDE] = phase

    def notice(self, index: int) -> int:
        """The token of a claim of this entry whose lease was found gone; 0 for none."""
        return int(_NOTICE.unpack_from(self._view, _AT_ENTRIES + index * _STRIDE + _AT_NOTICE)[0])

    # -- the keeper writes

    @property
    def orders(self) -> Orders:
        return Orders(self._view[_AT_ORDERS])

    def order(self, orders: Orders) -> None:
        self._view[_AT_ORDERS] = orders

    def notify(self, index: int, token: int) -> None:
        """Tell the worker that the lease of this claim is gone."""
        _NOTICE.pack_into(self._view, _AT_ENTRIES + index * _STRIDE + _AT_NOTICE, token)

    def claims(self) -> list[Entry]:
        """Every claim it holds now."""
        copy = bytes(self._view)
        phases = copy[_AT_ENTRIES::_STRIDE]
        return [_entry(copy, index) for index in range(self.entries) if phases[index]]

    def holds(self, entry: Entry) -> bool:
        """Whether this very claim is still there."""
        now = _entry(bytes(self._view[: _AT_ENTRIES + (entry.slot + 1) * _STRIDE]), entry.slot)
        return now.phase is not Phase.EMPTY and (now.raw, now.token) == (entry.raw, entry.token)


class SlotTable:
    """Regions for a number of processes, shared with every child forked after it was made."""

    def __init__(self, *, regions: int, entries: int) -> None:
        size = _AT_ENTRIES + entries * _STRIDE
        self._memory = mmap.mmap(-1, regions * size)
        whole = memoryview(self._memory)
        self.regions = [Region(whole[i * size : (i + 1) * size], entries) for i in range(regions)]

    def take(self) -> Region | None:
        """A free region, cleared; None when the keeper has not yet seen to enough dead ones."""
        region = next((region for region in self.regions if region.status is Status.FREE), None)
        if region is not None:
            region.take()
        return region


def _entry(copy: bytes, index: int) -> Entry:
    at = _AT_ENTRIES + index * _STRIDE
    phase, queue, raw, token, started, deadline = _ENTRY.unpack_from(copy, at)
    return Entry(index, Phase(phase), queue.rstrip(b"\0").decode("ascii", "replace"), raw, token, started, deadline)
