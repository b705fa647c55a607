"""What Django adds to the services beside the workers: the recorder with its upkeep, and the relay of the outbox."""

from __future__ import annotations

import threading
import time
from typing import Final

import structlog
from django.db import DatabaseError, close_old_connections, connections
from django.utils import timezone

from core.errors import StoreFull
from core.worker.engine import Engine
from core.worker.services import Duty

from .outbox import Relay, has_table
from .recorder import Recorder
from .schedules import keep_schedules
from .upkeep import close_left_open, trim_history

IDLE_S: Final = 1.0
UPKEEP_EVERY_S: Final = 60.0
SCHEDULES_EVERY_S: Final = 10.0
DATABASE_AWAY_S: Final = 5.0
STORE_FULL_S: Final = 5.0
LEFTOVERS_S: Final = 15.0  # an outbox that was switched off may still hold jobs

log = structlog.get_logger("jobs.recorder")


def record(engine: Engine, stop: threading.Event) -> None:
    """Until told to stop. A database that is away is told of once and waited for; the journal keeps meanwhile."""
    round_ = _Round(engine)
    is_away = False
    try:
        while not stop.is_set():
            try:
                close_old_connections()
                rest = round_.take()
                is_away = False
            except DatabaseError as error:
                if not is_away:
                    log.warning("Django's database is away, or not migrated; trying again", error=str(error).strip())
                is_away, rest = True, DATABASE_AWAY_S
            stop.wait(rest)
        round_.finish()
    finally:
        connections.close_all()


def relay_outbox(engine: Engine, stop: threading.Event) -> None:
    """Until told to stop. Raises StoreUnavailable: it is called again, after a rest that grows."""
    idle_s = IDLE_S if engine.config.outbox else LEFTOVERS_S
    told = ""
    try:
        while not stop.is_set():
            try:
                close_old_connections()
                relays = [Relay(engine.backend, alias) for alias in connections if has_table(alias)]
                rest, told = (0.0 if sum(relay.turn() for relay in relays) else idle_s), ""
            except (DatabaseError, StoreFull) as error:
                if told != str(error):
                    log.warning("the outbox waits; trying again", error=str(error).strip())
                told, rest = str(error), DATABASE_AWAY_S if isinstance(error, DatabaseError) else STORE_FULL_S
            stop.wait(rest)
    finally:
        connections.close_all()


class _Round:
    """One pass of everything that is due; answers seconds until the next."""

    def __init__(self, engine: Engine) -> None:
        self._backend = engine.backend
        self._recorder = Recorder(engine.backend)
        self._upkeep_at = 0.0
        self._schedules_at = 0.0

    def take(self) -> float:
        now = time.monotonic()
        if now >= self._schedules_at:
            keep_schedules(self._backend)
            self._schedules_at = now + SCHEDULES_EVERY_S
        if now >= self._upkeep_at:
            close_left_open(timezone.now())
            more = trim_history(timezone.now())
            self._upkeep_at = now if more else now + UPKEEP_EVERY_S
        return 0.0 if self._recorder.turn() else IDLE_S

    def finish(self) -> None:
        """What the workers wrote down at their end is still recorded, if the database is there."""
        try:
            while self._recorder.turn():
                pass
        except DatabaseError as error:
            log.warning("the newest attempts stay in the journal for the next start", error=str(error).strip())


DUTIES: Final = (Duty("recorder", record), Duty("outbox", relay_outbox))
