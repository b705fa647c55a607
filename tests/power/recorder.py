"""Runs a command and writes down, in order, what it does to the files of a folder; killed, it takes the command along.

    python -m tests.power.recorder LOG FOLDER USER GROUP COMMAND...   (USER and GROUP: numbers, or - for one's own)

Each event is in the log before the command goes on, with the moment (time.monotonic_ns) at which it was noticed: who is
answered by the command later than that has an event that is stamped earlier.
"""

import os
import struct
import sys
from contextlib import suppress
from pathlib import Path

from .ptrace import Call, memory_of, traced
from .record import Log

NAME_BYTES = 4096
INT = (1 << 32) - 1  # a descriptor is one half of a register
HERE = -100 & INT  # AT_FDCWD


class Recorder:
    """Turns calls into events of one folder."""

    def __init__(self, log: Path, folder: Path) -> None:
        self._log = Log(log)
        self._folder = f"{folder.resolve()}/"
        self._named: dict[int, tuple[str, bool]] = {}  # by thread: the path it is asking for, and whether it was there

    def hear(self, call: Call) -> None:
        if call.answer is None:
            self._begin(call)
        elif call.answer >= 0:
            self._end(call)

    def _begin(self, call: Call) -> None:
        match call.name:
            case "fsync" | "fdatasync":
                self._tell(call, "sync_begun", _path_of(call))
            case "open" | "creat" | "unlink" | "rename":
                self._notice(call, _path_at(call, HERE, call.arguments[0]))
            case "openat" | "unlinkat" | "renameat" | "renameat2":
                self._notice(call, _path_at(call, call.arguments[0], call.arguments[1]))

    def _end(self, call: Call) -> None:
        match call.name:
            case "write" | "pwrite" | "writev" | "pwritev" | "pwritev2":
                self._written(call)
            case "fsync" | "fdatasync":
                self._tell(call, "sync", _path_of(call))
            case "ftruncate":
                self._tell(call, "size", _path_of(call), offset=call.arguments[1])
            case "fallocate":
                self._grown(call, _path_of(call))
            case "creat":
                self._opened(call, os.O_TRUNC)
            case "open":
                self._opened(call, call.arguments[1])
            case "openat":
                self._opened(call, call.arguments[2])
            case "unlink" | "unlinkat":
                self._tell(call, "removed", self._named.pop(call.thread)[0])
            case "rename":
                self._renamed(call, _path_at(call, HERE, call.arguments[1]))
            case "renameat" | "renameat2":
                self._renamed(call, _path_at(call, call.arguments[2], call.arguments[3]))

    def _notice(self, call: Call, path: str) -> None:
        self._named[call.thread] = path, os.path.exists(path)

    def _written(self, call: Call) -> None:
        path = _path_of(call)
        if self._is_ours(path):
            data = _data_of(call)
            offset = call.arguments[3] if call.name.startswith("p") else _position(call) - len(data)
            self._tell(call, "write", path, offset=offset, data=data)

    def _grown(self, call: Call, path: str) -> None:
        if self._is_ours(path):
            self._tell(call, "size", path, offset=os.stat(path).st_size)

    def _opened(self, call: Call, flags: int) -> None:
        path, was_there = self._named.pop(call.thread)
        if not was_there:
            self._tell(call, "made", path)
        elif flags & os.O_TRUNC:
            self._tell(call, "size", path)

    def _renamed(self, call: Call, new: str) -> None:
        old, _ = self._named.pop(call.thread)
        if self._is_ours(new):
            self._tell(call, "renamed", old, data=self._inside(new).encode())
        else:
            self._tell(call, "removed", old)

    def _tell(self, call: Call, kind: str, path: str, *, offset: int = 0, data: bytes = b"") -> None:
        if self._is_ours(path):
            self._log.add(kind, self._inside(path), call.thread, offset=offset, data=data)

    def _is_ours(self, path: str) -> bool:
        return f"{path}/".startswith(self._folder) and not path.endswith(" (deleted)")

    def _inside(self, path: str) -> str:
        return f"{path}/".removeprefix(self._folder).rstrip("/")


def _path_of(call: Call) -> str:
    """Of the file that the call's descriptor leads to, if it leads to one."""
    with suppress(OSError):
        return os.readlink(f"/proc/{call.thread}/fd/{call.arguments[0] & INT}")
    return ""


def _path_at(call: Call, folder: int, place: int) -> str:
    """The path that a call names, whole."""
    name = memory_of(call.thread, place, NAME_BYTES).partition(b"\0")[0].decode(errors="replace")
    start = "cwd" if folder & INT == HERE else f"fd/{folder & INT}"
    return os.path.normpath(os.path.join(os.readlink(f"/proc/{call.thread}/{start}"), name))


def _data_of(call: Call) -> bytes:
    """What a call wrote, from one place of memory or from several."""
    assert call.answer is not None
    if not call.name.endswith(("v", "v2")):
        return memory_of(call.thread, call.arguments[1], call.answer)
    pairs = struct.iter_unpack("=QQ", memory_of(call.thread, call.arguments[1], call.arguments[2] * 16))
    return b"".join(memory_of(call.thread, place, length) for place, length in pairs)[: call.answer]


def _position(call: Call) -> int:
    """Where the descriptor stands now."""
    with open(f"/proc/{call.thread}/fdinfo/{call.arguments[0] & INT}") as info:
        return int(info.readline().split()[1])


def main(log: str, folder: str, user: str, group: str, *command: str) -> None:
    recorder = Recorder(Path(log), Path(folder))
    for call in traced(command, user=_number(user), group=_number(group)):
        recorder.hear(call)


def _number(text: str) -> int | None:
    return None if text == "-" else int(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
