"""The three kinds of child process, from just after the fork to their exit code."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, NoReturn

import structlog

from ..errors import ConfigError, StoreFormatError, StoreUnavailable
from . import exits, signals
from .engine import Engine
from .hatch import Hatch
from .keeper import Keeper
from .liveness import show_name
from .patience import delays
from .plan import Plan
from .services import Services
from .signals import SignalPipe
from .table import Region, SlotTable, Status
from .worker import Worker, WorkerOptions

TURN_S: Final = 0.1
LAST_DUTIES_S: Final = 8.0  # for duties that finish what they have begun
_HEARD: Final = (signal.SIGTERM, signal.SIGINT, signals.QUIET, signals.RETIRE, signals.CUT)

log = structlog.get_logger("jobs.process")


def run_child(main: Callable[[SignalPipe], int], *, name: str, lifeline: int, blocked: Sequence[int]) -> NoReturn:
    """Be a child to the end. A fork's copy of the parent's exit handlers is not run.

    name: what `ps` and `top` show. lifeline: whose end of file says that the parent is gone. blocked: signals that the
    parent blocked around the fork; they are let through once there are handlers.
    """
    code = exits.FAILED
    try:
        show_name(name)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signals.print_stacks_on_request()
        ears = SignalPipe(_HEARD, lifeline=lifeline)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, blocked)
        code = main(ears)
    except (ConfigError, StoreFormatError) as error:
        log.error("cannot start", error=str(error))
        code = exits.REFUSED
    except BaseException:
        log.exception("process failed", pid=os.getpid())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def worker_main(plan: Plan, region: Region, hatch: Hatch, ears: SignalPipe) -> int:
    """A process that runs jobs."""
    engine = _open(plan, ears)
    if engine is None:
        return exits.OK
    options = WorkerOptions(
        queues=plan.queues,
        shares=plan.shares,
        concurrency=plan.concurrency,
        label=plan.name,
        burst=plan.burst,
        lifespan=plan.lifespan,
    )
    worker = Worker(engine, region, ears, options, hatch=hatch)
    log.info("worker started", worker=worker.id, pid=os.getpid(), slots=plan.concurrency, queues=plan.queues or "all")
    code = worker.run()
    if code in (exits.OK, exits.REPLACED):
        engine.close()
    return code


def keeper_main(plan: Plan, table: SlotTable, ears: SignalPipe) -> int:
    """The process that renews leases. It ends when it is told to and no worker is left."""
    engine = _open(plan, ears)
    if engine is None:
        return exits.OK
    keeper = Keeper(engine, table.regions, queues=plan.queues, slots=plan.concurrency, label=plan.name)
    is_ending, kill_at = False, 0.0
    while True:
        heard = ears.wait(TURN_S)
        now = time.monotonic()
        if heard.orphaned:
            keeper.is_orphaned = True
            kill_at = now + plan.config.grace.total_seconds() + LAST_DUTIES_S
        is_ending = is_ending or heard.orphaned or signal.SIGTERM in heard.signals or signals.CUT in heard.signals
        _turn(keeper, now)
        if kill_at and now > kill_at:
            keeper.kill_living()
        if is_ending and not keeper.living() and not _has_dead(table, keeper, now, kill_at):
            keeper.close()
            engine.close()
            return exits.OK


def _turn(keeper: Keeper, now: float) -> None:
    try:
        keeper.turn(now)
    except Exception:
        log.exception("the keeper failed and goes on")


def services_main(plan: Plan, ears: SignalPipe) -> int:
    """The process of the scheduler, the janitor and what the application adds."""
    engine = _open(plan, ears)
    if engine is None:
        return exits.OK
    ordered = threading.Event()
    services = Services(engine, plan.all_duties, on_order=ordered.set)
    services.start()
    log.info("services started", pid=os.getpid(), duties=[duty.name for duty in plan.all_duties])
    while True:
        heard = ears.wait(TURN_S * 10)
        if signals.QUIET in heard.signals:
            services.quiet()
        if heard.orphaned or ordered.is_set() or signal.SIGTERM in heard.signals or signals.CUT in heard.signals:
            break
    has_ended = services.stop(0.0 if signals.CUT in heard.signals else LAST_DUTIES_S)
    if has_ended:
        engine.close()
    log.info("services stopped", pid=os.getpid())
    return exits.OK


def _open(plan: Plan, ears: SignalPipe) -> Engine | None:
    """The child's own connection, as soon as the store answers; None when told to stop before."""
    told = False
    for wait in delays():
        try:
            engine = plan.make_jobs()
        except StoreUnavailable as error:
            if not told:
                log.warning("store unavailable, waiting for it", error=str(error))
            told = True
        else:
            if not engine.backend.features.shared:
                raise ConfigError(
                    "this store lives in one process only, and runworkers starts several: choose another "
                    "JOBS_BACKEND_URL, or run workers inside your application with Jobs.start()"
                )
            return engine
        heard = ears.wait(wait)
        if heard.orphaned or heard.signals & {signal.SIGTERM, signals.CUT}:
            return None
    return None


def _has_dead(table: SlotTable, keeper: Keeper, now: float, kill_at: float) -> bool:
    """Whether a dead worker's claims are still to be seen to, and it is worth waiting for the store."""
    if not any(region.status is Status.DEAD for region in table.regions):
        return False
    return not keeper.is_orphaned or now < kill_at
