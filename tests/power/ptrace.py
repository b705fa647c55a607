"""The kernel's ptrace, as far as a recorder of file operations needs it: run a command and see the calls it makes.

Needs no program to be installed, and no rights beside those over one's own children. Linux on x86-64 and AArch64.
"""

import ctypes
import os
import signal
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

TRACEME, CONTINUE, SET_OPTIONS, SYSCALL, CALL_INFO = 0, 7, 0x4200, 24, 0x420E
SYSTEM_CALLS_TOLD, FORKS, CALLS_CHOSEN, DIE_WITH_TRACER = 0x01, 0x02 | 0x04 | 0x08 | 0x10, 0x80, 0x100000
CALL_STOP: Final = signal.SIGTRAP | 0x80
SECCOMP_STOP: Final = 7  # a chosen call is about to be made
WAIT_FOR_ALL: Final = 0x40000000  # threads too
ENTRY_OPS, EXIT_OP = (1, 3), 2

SET_NO_NEW_PRIVILEGES, SET_SECCOMP, FILTER_MODE = 38, 22, 2
LOAD_WORD, JUMP_IF_EQUAL, ANSWER = 0x20, 0x15, 0x06
TELL_TRACER, ALLOW = 0x7FF00000, 0x7FFF0000

# Numbers of the calls that change files, on each kind of machine: linux/arch/*/entry/syscalls, asm-generic/unistd.h.
NUMBERS: Final = {
    "x86_64": {
        "write": 1, "pwrite": 18, "writev": 20, "pwritev": 296, "pwritev2": 328,
        "ftruncate": 77, "fallocate": 285, "fsync": 74, "fdatasync": 75,
        "open": 2, "creat": 85, "openat": 257,
        "rename": 82, "renameat": 264, "renameat2": 316, "unlink": 87, "unlinkat": 263,
    },
    "aarch64": {
        "write": 64, "pwrite": 68, "writev": 66, "pwritev": 70, "pwritev2": 287,
        "ftruncate": 46, "fallocate": 47, "fsync": 82, "fdatasync": 83,
        "openat": 56,
        "renameat": 38, "renameat2": 276, "unlinkat": 35,
    },
}  # fmt: skip

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long
_libc.prctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong]


class Call(NamedTuple):
    """A call of a thread: at its entry (answer None) or its end."""

    thread: int
    name: str
    arguments: tuple[int, ...]
    answer: int | None


class _Info(ctypes.Structure):
    """struct ptrace_syscall_info; at an end, values[0] is the answer."""

    _fields_ = (
        ("op", ctypes.c_uint8),
        ("pad", ctypes.c_uint8 * 3),
        ("machine", ctypes.c_uint32),
        ("pointers", ctypes.c_uint64 * 2),
        ("values", ctypes.c_uint64 * 8),
    )


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("value", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction)))


def traced(command: Sequence[str], *, user: int | None, group: int | None) -> Iterator[Call]:
    """Run a command, with all its children, and tell of each call that changes files.

    The caller's code between two calls runs while the thread stands still. All of them die with the caller.
    """
    numbers = NUMBERS[os.uname().machine]
    names = {number: name for name, number in numbers.items()}
    first = _start(command, numbers.values(), user, group)
    known, entered = {first}, dict[int, Call]()
    while True:
        try:
            thread, status = os.waitpid(-1, WAIT_FOR_ALL)
        except ChildProcessError:
            return
        if not os.WIFSTOPPED(status):
            known.discard(thread)
            entered.pop(thread, None)
            continue
        kind, event = os.WSTOPSIG(status), status >> 16
        if event == SECCOMP_STOP:
            entered[thread] = _entry(thread, names)
            yield entered[thread]
            _go_on(SYSCALL, thread)
        elif kind == CALL_STOP:
            if thread in entered and (ended := _end(thread, entered)) is not None:
                yield ended
            _go_on(CONTINUE if thread not in entered else SYSCALL, thread)
        else:
            is_new = thread not in known
            known.add(thread)
            is_own = event != 0 or (is_new and kind == signal.SIGSTOP)  # no signal that anybody sent
            _go_on(CONTINUE, thread, 0 if is_own else kind)


def memory_of(thread: int, place: int, length: int) -> bytes:
    """What a stopped thread has in its memory."""
    with open(f"/proc/{thread}/mem", "rb", buffering=0) as memory:
        memory.seek(place)
        return memory.read(length)


def _start(command: Sequence[str], numbers: Sequence[int], user: int | None, group: int | None) -> int:
    child = os.fork()
    if child == 0:
        try:
            _become_traced(numbers, user, group)
            os.execvp(command[0], command)
        finally:
            os._exit(127)
    os.waitpid(child, 0)
    options = SYSTEM_CALLS_TOLD | FORKS | CALLS_CHOSEN | DIE_WITH_TRACER
    _ask(SET_OPTIONS, child, 0, options)
    _go_on(CONTINUE, child)
    return child


def _become_traced(numbers: Sequence[int], user: int | None, group: int | None) -> None:
    if group is not None:
        os.setgroups([])
        os.setgid(group)
    if user is not None:
        os.setuid(user)
    _ask(TRACEME, 0, 0, 0)
    os.kill(os.getpid(), signal.SIGSTOP)
    _choose_calls(numbers)


def _choose_calls(numbers: Sequence[int]) -> None:
    """Stop at these calls only: to stop at each would take several times as long."""
    chosen = list(numbers)
    lines = [(LOAD_WORD, 0, 0, 0)]
    lines += [(JUMP_IF_EQUAL, len(chosen) - index, 0, number) for index, number in enumerate(chosen)]
    lines += [(ANSWER, 0, 0, ALLOW), (ANSWER, 0, 0, TELL_TRACER)]
    instructions = (_Instruction * len(lines))(*lines)
    program = _Program(len(lines), instructions)
    if _libc.prctl(SET_NO_NEW_PRIVILEGES, 1, None, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs")
    if _libc.prctl(SET_SECCOMP, FILTER_MODE, ctypes.addressof(program), 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")


def _entry(thread: int, names: dict[int, str]) -> Call:
    info = _info(thread)
    assert info.op in ENTRY_OPS
    return Call(thread, names[info.values[0]], tuple(info.values[1:7]), None)


def _end(thread: int, entered: dict[int, Call]) -> Call | None:
    """The end of the call that was entered; None when this stop is its entry, told a second time."""
    info = _info(thread)
    if info.op != EXIT_OP:
        return None
    answer = ctypes.c_int64(info.values[0]).value
    return entered.pop(thread)._replace(answer=answer)


def _info(thread: int) -> _Info:
    info = _Info()
    _ask(CALL_INFO, thread, ctypes.sizeof(info), ctypes.addressof(info))
    return info


def _go_on(how: int, thread: int, signal_number: int = 0) -> None:
    try:
        _ask(how, thread, 0, signal_number)
    except ProcessLookupError:
        pass  # it was killed meanwhile


def _ask(request: int, thread: int, address: int, data: int) -> None:
    if _libc.ptrace(request, thread, address, data) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"ptrace {request:#x}: {os.strerror(number)}")
