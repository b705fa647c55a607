"""The one writer of a process: threads that write at the same time share one transaction and one fsync."""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, cast

from ...model.clock import Clock
from .courtesy import Courtesy
from .transaction import Transaction

T = TypeVar("T")
Work = Callable[[Transaction], T]

_GROUP = 64  # works in one transaction: bounds how long the first of them waits for the last


class _Ticket(Generic[T]):
    """One thread's work, and what became of it."""

    def __init__(self, work: Work[T]) -> None:
        self.work = work
        self.is_done = False
        self.answer: T | None = None
        self.error: BaseException | None = None

    def close(self, answer: T | None, error: BaseException | None = None) -> None:
        self.answer, self.error, self.is_done = answer, error, True

    def result(self) -> T:
        if self.error is not None:
            raise self.error
        return cast(T, self.answer)


class Writer:
    """Runs works, each all or none, in `BEGIN IMMEDIATE` transactions.

    A work may be run a second time when the transaction it shared with others failed, so it must have no effect but
    on the database.
    """

    def __init__(self, db: sqlite3.Connection, clock: Clock, courtesy: Courtesy, *, check: Callable[[], None]) -> None:
        self._db = db
        self._clock = clock
        self._courtesy = courtesy
        self._check = check
        self._turn = threading.Lock()  # held by the thread that leads; the others wait here for it to do their work
        self._waiting: deque[_Ticket[Any]] = deque()

    def run(self, work: Work[T]) -> T:
        """The work's answer once it is committed; raises what it raised, or sqlite3.Error."""
        ticket = _Ticket(work)
        self._waiting.append(ticket)
        with self._turn:
            while not ticket.is_done:
                self._lead()
        return ticket.result()

    def alone(self, step: Callable[[sqlite3.Connection], T]) -> T:
        """Use the connection outside any transaction, while nobody writes with it."""
        with self._turn:
            return step(self._db)

    def _lead(self) -> None:
        group = [self._waiting.popleft() for _ in range(min(_GROUP, len(self._waiting)))]
        try:
            if not self._commit(group):
                for ticket in group:
                    self._commit([ticket])
        finally:
            # An interrupt in the middle leaves the others' works undone: their threads lead them.
            self._waiting.extendleft(ticket for ticket in reversed(group) if not ticket.is_done)

    def _commit(self, group: Sequence[_Ticket[Any]]) -> bool:
        """One transaction for all; False when one of several failed, which the others must not suffer for."""
        try:
            self._check()
            self._courtesy.begin(self._db)
        except Exception as error:  # noqa: BLE001 - raised again in the threads whose work it is
            for ticket in group:
                ticket.close(None, error)
            return True
        try:
            answers = self._run_all(group)
        except Exception as error:  # noqa: BLE001 - as above
            if len(group) > 1:
                return False
            group[0].close(None, error)
            return True
        for ticket, answer in zip(group, answers, strict=True):
            ticket.close(answer)
        return True

    def _run_all(self, group: Sequence[_Ticket[Any]]) -> list[Any]:
        try:
            answers = [self._run(ticket.work) for ticket in group]
            self._db.execute("COMMIT")
            self._courtesy.wrote()
        except BaseException:
            if self._db.in_transaction:  # a full disk or an I/O error has rolled back already
                self._db.execute("ROLLBACK")
            raise
        return answers

    def _run(self, work: Work[T]) -> T:
        transaction = Transaction(self._db, self._clock.now_ms())
        answer = work(transaction)
        transaction.flush()
        return answer
