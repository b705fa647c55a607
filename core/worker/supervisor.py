"""The supervisor: one thread, no store connection; forks the children, replaces dead ones, and ends them in order."""

from __future__ import annotations

import functools
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Final

import structlog

from ..backends.opener import preload
from . import exits, signals
from .child import LAST_DUTIES_S, keeper_main, run_child, services_main, worker_main
from .generations import Handover, Succession, take_handover
from .hatch import Hatch
from .plan import Plan
from .posts import Post, Role
from .signals import SignalPipe
from .table import SlotTable
from .worker import LAST_WORDS_S
from .zygote import zygote_main

LONGEST_NAP_S: Final = 1.0
AFTER_GRACE_S: Final = 3 * LAST_WORDS_S + 2.0  # for the steps that a worker's own end takes after the grace period
TO_END_S: Final = LAST_DUTIES_S + 2.0  # for services and keeper
NO_REGION_S: Final = 0.2
NO_FORK_S: Final = 1.0
_HEARD: Final = (signal.SIGTERM, signal.SIGINT, signals.QUIET, signals.RETIRE, signal.SIGCHLD)
_BLOCKED: Final = (*_HEARD, signals.STACKS, signals.CUT)
_CLEAN: Final = (exits.OK, exits.REPLACED, exits.REFUSED)  # what a worker ends with that holds nothing

log = structlog.get_logger("jobs.supervisor")


def run(plan: Plan) -> int:
    """Run a plan until it is told to stop (or, in a burst, until nothing is due); answers the exit code.

    Called on the main thread of a process that has no other threads: it forks.
    """
    if not plan.config.enabled:
        log.info("jobs are switched off (JOBS_ENABLED is false): nothing to run")
        return exits.OK
    preload(plan.config.backend_url)
    before = {number: signal.getsignal(number) for number in _HEARD}
    handover = take_handover()
    ignored = [number for number in (signals.RETIRE,) if before[number] is signal.SIG_IGN]  # by nohup
    ears = SignalPipe(set(_HEARD).difference(ignored), lifeline=None if handover is None else handover.lifeline)
    try:
        return Supervisor(plan, ears, handover).run()
    finally:
        ears.close()
        for number, handler in before.items():
            signal.signal(number, handler)


class Supervisor:
    """Holds the posts and the end of the pipe by which children notice that it is gone."""

    def __init__(self, plan: Plan, ears: SignalPipe, handover: Handover | None = None) -> None:
        self._plan = plan
        self._ears = ears
        self._handover = handover
        self._succession = Succession()
        self._has_terminal = handover is None and os.isatty(0)
        self._is_leaving = False  # newer code has taken over, or is about to
        self._table = SlotTable(regions=3 * plan.processes + 2, entries=plan.entries)
        self._hatch = Hatch()
        self._lifeline, self._held_end = os.pipe()
        self._posts = _posts_of(plan)
        self._is_quiet = False
        self._stop_signals = 0
        self._grace_ends = 0.0
        self._exit_code = exits.OK

    def run(self) -> int:
        label = {"name": self._plan.name} if self._plan.name else {}
        log.info("supervisor started", pid=os.getpid(), children=len(self._posts), **label)
        self._fill(time.monotonic())
        while any(post.pid for post in self._posts) or not self._is_stopping:
            heard = self._ears.wait(self._nap(time.monotonic()))
            now = time.monotonic()
            self._reap(now)
            self._heed(heard.signals, now)
            self._hand_over(now)
            if heard.orphaned:
                self._stop(now)
            if self._is_stopping:
                self._end_in_order(now)
            else:
                self._fill(now)
        log.info("supervisor stopped", pid=os.getpid(), code=self._exit_code)
        return self._succession.follow(self._ears) or self._exit_code

    @property
    def _is_stopping(self) -> bool:
        return self._grace_ends > 0

    # -- filling posts

    def _fill(self, now: float) -> None:
        for post in self._posts:
            if not post.pid and not post.is_done and post.fill_at <= now:
                self._fork(post, now)

    def _fork(self, post: Post, now: float) -> None:
        if post.role is Role.WORKER:
            post.region = self._table.take()
            if post.region is None:  # the keeper is behind with the dead
                post.fill_at = now + NO_REGION_S
                return
        try:
            pid = self._fork_for(post)
        except Exception:  # no memory, no more processes, or what the application closes before: later, perhaps
            log.exception("a child could not be forked", role=post.role.value)
            if post.region is not None:
                post.region.free()
            post.emptied(now)
            post.fill_at = now + NO_FORK_S
            return
        post.filled(pid, now)
        if self._is_quiet and post.role is Role.WORKER:
            os.kill(pid, signals.QUIET)

    def _fork_for(self, post: Post) -> int:
        if self._plan.before_fork is not None:
            self._plan.before_fork()
        sys.stdout.flush()
        sys.stderr.flush()
        # Until the child has handlers of its own, a signal must neither kill it nor reach us through its copy.
        signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED)
        try:
            pid = os.fork()
            if pid == 0:
                os.close(self._held_end)
                self._ears.close()
                run_child(self._main_of(post), name=post.name, lifeline=self._lifeline, blocked=_BLOCKED)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _BLOCKED)
        return pid

    def _main_of(self, post: Post) -> Callable[[SignalPipe], int]:
        if post.role is Role.KEEPER:
            return functools.partial(keeper_main, self._plan, self._table)
        if post.role is Role.SERVICES:
            return functools.partial(services_main, self._plan)
        if post.role is Role.ZYGOTE:
            return functools.partial(zygote_main, self._plan, self._hatch)
        assert post.region is not None
        return functools.partial(worker_main, self._plan, post.region, self._hatch)

    # -- deaths

    def _reap(self, now: float) -> None:
        for post in self._posts:
            if post.pid:
                pid, wait_status = os.waitpid(post.pid, os.WNOHANG)
                if pid:
                    self._bury(post, wait_status, now)
        if os.getpid() == 1:
            self._reap_adopted(now)

    def _reap_adopted(self, now: float) -> None:
        """As the first process of a container: what handlers left behind ends here, and somebody must notice."""
        try:
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                self._succession.buried(*ended)
                for post in self._posts:
                    if post.pid == ended[0]:
                        self._bury(post, ended[1], now)
        except ChildProcessError:
            pass  # there are no children at all

    def _bury(self, post: Post, wait_status: int, now: float) -> None:
        pid, code = post.pid, os.waitstatus_to_exitcode(wait_status)
        if post.region is not None:
            if code in _CLEAN and post.region.claims():
                code = exits.FAILED  # a handler ended the process, with a code that says something else
            post.region.bury(wait_status)
        if code == exits.REPLACED:
            post.vacated(now)
        else:
            post.emptied(now)
        if code == exits.REFUSED and not self._is_stopping:
            log.error("a child could not start; stopping", role=post.role.value)
            self._exit_code = exits.FAILED
            self._stop(now)
        elif code == exits.OK or self._is_stopping or (self._is_leaving and post.role is Role.WORKER):
            post.is_done = post.role not in (Role.KEEPER, Role.ZYGOTE)
            if not self._is_stopping and self._is_complete:
                self._stop(now)
        if code not in (exits.OK, exits.REFUSED, exits.REPLACED):
            log.warning("child died", role=post.role.value, pid=pid, cause=exits.cause_of(wait_status))

    @property
    def _is_complete(self) -> bool:
        """Whether what there was to do is done: a burst found nothing due, or every child was ordered to stop."""
        workers = [post for post in self._posts if post.role is Role.WORKER]
        counted = workers or [post for post in self._posts if post.role is Role.SERVICES]
        return all(post.is_done for post in counted)

    # -- signals and the end

    def _hand_over(self, now: float) -> None:
        """Say once that this generation is ready, and go when another one is."""
        if self._handover is not None and self._has_begun:
            self._handover.say_ready()
        if self._succession.look():
            self._leave(now)

    @property
    def _has_begun(self) -> bool:
        """Whether every child is there and every worker has said so in the table."""
        return all(post.pid for post in self._posts) and all(
            post.region.identity() is not None for post in self._posts if post.region is not None
        )

    def _leave(self, now: float) -> None:
        """Let what runs end, without haste: newer code works already."""
        self._is_leaving = True
        self._tell(Role.WORKER, signals.RETIRE)
        self._tell(Role.SERVICES, signals.QUIET)
        workers = [post for post in self._posts if post.role is Role.WORKER]
        for post in workers:
            post.is_done = not post.pid
        if all(post.is_done for post in workers):
            self._stop(now)

    def _heed(self, heard: frozenset[int], now: float) -> None:
        if signals.RETIRE in heard and self._has_terminal:
            heard |= {signal.SIGTERM}  # it was closed: nobody watches any more
        elif signals.RETIRE in heard and not self._is_stopping:
            if self._handover is None:
                self._succession.begin()
            else:
                self._leave(now)
        for number in heard & {*signals.STOP, signals.QUIET}:
            self._succession.tell(number)
        if signals.QUIET in heard:
            self._is_quiet = True
            self._tell(Role.WORKER, signals.QUIET)
        if heard & signals.STOP:
            self._stop_signals += 1
            if self._stop_signals == 1:
                log.info("stopping", grace_s=self._plan.config.grace.total_seconds())
                self._stop(now)
            elif self._stop_signals == 2:
                log.info("grace period cut short")
                self._grace_ends = now
                self._tell(Role.WORKER, signals.CUT)
                for post in self._posts:
                    post.kill_at = min(post.kill_at, now + AFTER_GRACE_S) if post.kill_at else 0.0

    def _stop(self, now: float) -> None:
        if not self._is_stopping:
            self._grace_ends = now + self._plan.config.grace.total_seconds()
            self._tell(Role.SERVICES, signals.QUIET)

    def _end_in_order(self, now: float) -> None:
        """Workers first, then the zygote, the services that watch over what is left, the keeper last."""
        for post in self._posts:
            if post.pid and post.kill_at and now >= post.kill_at:
                log.error("child did not stop, killed", role=post.role.value, pid=post.pid)
                os.kill(post.pid, signal.SIGKILL)
                post.kill_at = 0.0
        for role, patience in (
            (Role.WORKER, max(0.0, self._grace_ends - now) + AFTER_GRACE_S),
            (Role.ZYGOTE, TO_END_S),
            (Role.SERVICES, TO_END_S),
            (Role.KEEPER, TO_END_S),
        ):
            living = [post for post in self._posts if post.role is role and post.pid]
            for post in living:
                if not post.was_told:
                    post.was_told, post.kill_at = True, now + patience
                    os.kill(post.pid, signals.CUT if role is Role.ZYGOTE else signal.SIGTERM)
            if living:
                return

    def _tell(self, role: Role, number: int) -> None:
        for post in self._posts:
            if post.role is role and post.pid:
                os.kill(post.pid, number)

    def _nap(self, now: float) -> float:
        times = [now + LONGEST_NAP_S]
        for post in self._posts:
            if post.pid and post.kill_at:
                times.append(post.kill_at)
            elif not post.pid and not post.is_done and not self._is_stopping:
                times.append(post.fill_at)
        return min(times) - now


def _posts_of(plan: Plan) -> list[Post]:
    posts = [Post(Role.KEEPER), Post(Role.ZYGOTE)] if plan.workers else []
    if plan.services:
        posts.append(Post(Role.SERVICES))
    if plan.workers:
        posts += [Post(Role.WORKER, number) for number in range(1, plan.processes + 1)]
    return posts
