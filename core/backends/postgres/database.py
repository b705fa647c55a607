"""The open store of one process: its connections, its transactions, and the bell that wakes its sleepers."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final, TypeVar

import psycopg
from psycopg_pool import PoolClosed

from ...errors import StoreUnavailable
from ...model.clock import Clock
from ...model.job import NewJob, Receipt
from .address import Address
from .faults import is_worth_another_try, lacks_its_day, told
from .joined import Joined, Place
from .joined import look as look_at_place
from .look import seconds_to_work
from .partitions import make_days
from .patience import NoAnswerError
from .ping import answers_within
from .pool import Connection, Pool
from .schema import prepare_schema
from .statements import statements_of
from .transaction import SentTwiceError, Transaction
from .trip import one_trip, roll_back
from .wakeup import Bell

_TRIES: Final = 8  # of a transaction that was ended for the sake of another
_NAP_S: Final = 0.01
_PING_S: Final = 2.0

# Each statement is about a few jobs, whatever the tables hold. A plan that is kept for all values knows neither how
# few, nor how large a table will be that is empty now: left alone, it reads a whole one. And to compile a statement
# takes longer than to run it.
PLANNER: Final = "; ".join(
    f"SET LOCAL {name} = off" for name in ("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit")
)

T = TypeVar("T")


class Database:
    """Opens in its constructor; belongs to the process that opened it."""

    def __init__(self, address: Address, *, clock: Clock | None) -> None:
        self.pid = os.getpid()
        self.is_closed = False
        self.sql = statements_of(address.schema)
        self._address = address
        self._clock = clock
        self._settings = f"SET LOCAL statement_timeout = {round(address.answer_s * 1000)}; {PLANNER}"
        self._pool = Pool(address)
        try:
            with self._translated(), self._pool.lent() as db:
                self.store_id = prepare_schema(db, self.sql, clock, address.url)
        except BaseException:
            self._pool.close()
            raise
        self.bell = Bell(address)
        self._joined = Joined(self.sql, clock, address.url)

    def write(self, work: Callable[[Transaction], T], *, begin: str = "BEGIN") -> T:
        """Run a work in a transaction, again if it was ended for the sake of another; it must have no other effect."""
        with self._translated():
            for turn in range(_TRIES):
                try:
                    return self._commit(work, begin)
                except SentTwiceError:
                    continue
                except psycopg.Error as error:
                    if not is_worth_another_try(error) or turn == _TRIES - 1:
                        raise
                time.sleep(_NAP_S * random.uniform(0.5, 1.5) * (turn + 1))  # noqa: S311 - spreads them, hides nothing
        raise StoreUnavailable(f"the same call is being answered over and over at {self._address.url}; send it again")

    def read(self, look: Callable[[Transaction], T]) -> T:
        """Look at one moment of the store; may be done twice, on another connection."""
        with self._translated(), self._begun("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as db:
            answer = look(Transaction(db, self.sql, self._clock))
            db.execute("COMMIT")
            return answer

    def refusal(self, connection: object) -> str:
        with self._translated():
            return self._joined.refusal(connection, self._own_place)

    def enqueue_within(self, connection: object, jobs: Sequence[NewJob]) -> list[Receipt]:
        with self._translated():
            return self._joined.enqueue(connection, jobs, self.write)

    def ring(self, names: Sequence[str]) -> None:
        """Tell of what another's commit has brought. A notice within that commit would make all such commits of the
        server wait for each other; one of our own is told of as seldom as ever."""
        if self.bell.loud(names):
            self.write(lambda tx: tx.rung.update(names))
        else:
            self.bell.rang(names, ())

    def alone(self, step: Callable[[Connection], T]) -> T:
        """Use a connection outside any transaction of ours."""
        with self._translated(), self._pool.lent() as db:
            return step(db)

    def sleep(self, queues: Sequence[str], timeout_s: float) -> None:
        """Until one of the queues may have work, at most so long."""
        if self.is_closed:
            raise self._closed()
        self.bell.sleep(queues, lambda: self.read(lambda tx: seconds_to_work(tx, queues)), timeout_s)

    def ping(self) -> None:
        until = time.monotonic() + _PING_S
        with self._translated():
            for _ in range(self._pool.size + 1):  # those that died at rest are passed over
                with self._pool.lent(_PING_S) as db:
                    if answers_within(db, until - time.monotonic()):
                        return
                if time.monotonic() >= until:
                    break
        raise StoreUnavailable(f"PostgreSQL at {self._address.url} did not answer within {_PING_S:.0f} seconds")

    def close(self) -> None:
        """Wake the sleepers, close the connections. Repeatable."""
        if not self.is_closed:
            self.is_closed = True
            self.bell.close()
            self._pool.close()

    def _own_place(self) -> Place:
        return self.read(lambda tx: look_at_place(tx.db, self.sql))

    def _commit(self, work: Callable[[Transaction], T], begin: str) -> T:
        while True:
            with self._begun(begin) as db:
                tx = Transaction(db, self.sql, self._clock)
                try:
                    answer = work(tx)
                    loud = self.bell.loud(tx.rung)
                    with one_trip(db):
                        tx.flush(self.sql.schema, loud)
                        end = db.execute("COMMIT")
                    if end.statusmessage != "COMMIT":  # a work went on after an error
                        raise psycopg.errors.InFailedSqlTransaction("nothing was committed")
                except psycopg.errors.CheckViolation as error:
                    if not lacks_its_day(error):
                        raise
                    roll_back(db)
                    make_days(db, self.sql, {tx.now_ms, *tx.days_ms})
                    continue
                self.bell.rang(tx.rung, loud)
                return answer

    @contextmanager
    def _begun(self, begin: str) -> Iterator[Connection]:
        """A connection in a transaction. One that died at rest, as after a restart of the server, is passed over:
        nothing was asked of it yet."""
        for turn in range(self._pool.size + 1):
            with self._pool.lent() as db, db.hurried(self._address.answer_s):
                try:
                    db.execute(f"{begin}; {self._settings}")
                except psycopg.OperationalError as error:
                    if not db.closed or turn == self._pool.size or isinstance(error, NoAnswerError):
                        raise
                    continue
                try:
                    yield db
                except BaseException:
                    with suppress(psycopg.Error):
                        roll_back(db)
                    raise
                return

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except PoolClosed as closed:
            raise self._closed() from closed
        except psycopg.Error as error:
            raise told(error, self._address.url) from error

    def _closed(self) -> StoreUnavailable:
        return StoreUnavailable(f"the store at {self._address.url} was closed; call open() again")
