"""What Django adds to the services beside the workers: the recorder, with the upkeep of what it wrote."""

from __future__ import annotations

import threading
import time
from typing import Final

import structlog
from django.db import DatabaseError, close_old_connections, connections
from django.utils import timezone

from core.worker.engine import Engine
from core.worker.services import Duty

from .recorder import Recorder
from .schedules import keep_schedules
from .upkeep import close_left_open, trim_history

IDLE_S: Final = 1.0
UPKEEP_EVERY_S: Final = 60.0
SCHEDULES_EVERY_S: Final = 10.0
DATABASE_AWAY_S: Final = 5.0

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


DUTIES: Final = (Duty("recorder", record),)
