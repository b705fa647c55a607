"""Whether a server answers in time, asked without blocking: one that is stopped keeps its sockets open."""

from __future__ import annotations

import selectors
from time import monotonic

import psycopg

from .pool import Connection


def answers_within(connection: Connection, seconds: float) -> bool:
    """Send an empty question; False, and the connection closed, when no answer came."""
    until = monotonic() + seconds
    try:
        is_answered = _is_answered(connection, until)
    except psycopg.OperationalError:
        is_answered = False
    if not is_answered:
        connection.close()
    return is_answered


def _is_answered(connection: Connection, until: float) -> bool:
    link = connection.pgconn
    link.send_query(b"SELECT 1")
    with selectors.DefaultSelector() as waiting:
        waiting.register(link.socket, selectors.EVENT_READ)
        link.flush()
        while link.is_busy():
            left = until - monotonic()
            if left <= 0 or not waiting.select(left):
                return False
            link.consume_input()
    while link.get_result() is not None:
        pass
    return True
