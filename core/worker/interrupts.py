"""Why a running handler is stopped from outside, and how that reaches a thread.

They are no `Exception`: a handler's `except Exception` is about its own failures and must not swallow them.
"""

from __future__ import annotations

import ctypes


class Interrupt(BaseException):
    """A handler is stopped from outside; its `finally` blocks run."""


class TimeoutInterrupt(Interrupt):
    """It ran longer than its timeout."""


class CancelInterrupt(Interrupt):
    """Somebody cancelled its job."""


class LeaseInterrupt(Interrupt):
    """Its lease is gone: another worker may be running the job."""


class StopInterrupt(Interrupt):
    """Its worker stops, and the grace period is over."""


_set_async_exc = ctypes.pythonapi.PyThreadState_SetAsyncExc
_set_async_exc.argtypes = (ctypes.c_ulong, ctypes.py_object)
_set_async_exc.restype = ctypes.c_int


def raise_in_thread(ident: int, kind: type[Interrupt]) -> None:
    """Have a thread raise `kind` at its next step of Python; a call into C ends first."""
    _set_async_exc(ident, kind)


def withdraw_from_thread(ident: int) -> None:
    """Take back what was asked for and has not been raised yet."""
    _set_async_exc(ident, ctypes.py_object())
