"""What operators call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ...model.ident import JobRef
from ...model.job import StoredJob
from ...model.limits import KEPT_OPERATIONS
from ...model.operation import as_line
from ...model.states import EFFECTS, FINAL, Effect, State, Verb
from ..contract import Acted, Cursor, Sweep, Swept
from . import codec
from .intake import CALLS_A_TRIP, Intake, parts_of
from .keys import STATE_KEYS, STATE_NUMBERS, STATES_BY_NUMBER
from .link import Call
from .page import LOOK_BYTES, cut_at
from .verbs import BATCH, chunks

_ACTED_AT_ONCE: Final = 100  # several commands a job
_LETTERS: Final = {
    Effect.CONFLICT: "x",
    Effect.COPY: "x",
    Effect.RUN_NOW: "n",
    Effect.RUN_AFRESH: "f",
    Effect.CANCEL: "c",
    Effect.ASK: "a",
}
_LETTERS_OF: Final = {verb: "".join(_LETTERS[EFFECTS[verb][state]] for state in STATE_KEYS) for verb in Verb}


class Control(Intake):
    """See contract.Control, but for `order`."""

    def act(self, verb: Verb, queue: str, raws: Sequence[bytes], operation: str, reason: str = "") -> list[Acted]:
        acted: list[Acted] = []
        for part in chunks(raws, _ACTED_AT_ONCE):
            flat = self._run("act", queue, *_order(verb, operation, reason), *part)
            for index, raw in enumerate(part):
                applied, before, after = flat[3 * index : 3 * index + 3]
                states = (STATES_BY_NUMBER.get(before), STATES_BY_NUMBER.get(after))
                acted.append(Acted(JobRef(queue, raw), bool(applied), *states))
        return acted

    def sweep(self, sweep: Sweep) -> Swept:
        direction = "down" if sweep.state in FINAL else "up"
        head = (*_order(sweep.verb, sweep.operation, sweep.reason), STATE_NUMBERS[sweep.state], direction)
        bound = sweep.scan_limit if sweep.task else sweep.limit
        looked_at = found = applied = refused = 0
        place, goes_on = sweep.after, bound > 0
        while goes_on and looked_at < bound and found < sweep.limit:
            score, raw = ("", b"") if place is None else (place.score, cut_at(place, sweep.queue))
            step = (min(BATCH, bound - looked_at), min(_ACTED_AT_ONCE, sweep.limit - found))
            answer = self._run("sweep", sweep.queue, *head, score, raw, *step, sweep.task, sweep.before_ms, LOOK_BYTES)
            looked, of_task, done, undone, more, last_score, last_raw = answer
            looked_at, found, applied, refused = looked_at + looked, found + of_task, applied + done, refused + undone
            goes_on = bool(more)
            place = Cursor(int(last_score), sweep.queue, last_raw) if looked else None
        return Swept(applied=applied, refused=refused, scanned=looked_at, next=place if goes_on else None)

    def adopt(self, queue: str, jobs: Sequence[StoredJob]) -> list[bool]:
        if not jobs:
            return []
        parts = list(parts_of(range(len(jobs)), [codec.pack_adopted(job) for job in jobs]))
        adopted: list[bool] = []
        for trip in chunks(parts, CALLS_A_TRIP):
            now = self._time()
            calls = [Call("adopt", queue, (now, *items)) for _, items in trip]
            answers = self._link.run_all(calls, first=self._listing([queue]))
            self._note_listed(queue)
            adopted += [bool(is_new) for answer in answers for is_new in answer]
        return adopted

    def withdraw(self, queue: str, jobs: Sequence[tuple[bytes, State, int]]) -> int:
        return sum(self._run("withdraw", queue, *map(codec.pack_withdrawn, part)) for part in chunks(jobs, BATCH))

    def pause(self, queue: str, reason: str) -> None:
        self._run_listed("pause", queue, reason)

    def resume(self, queue: str) -> None:
        self._run("resume", queue)

    def purge(self, queue: str, state: State, before_ms: int, limit: int) -> int:
        if state is State.RUNNING:
            return 0
        gone = passed_over = 0
        while gone < limit:
            step = min(BATCH, limit - gone)
            asked = (STATE_NUMBERS[state], before_ms, step, passed_over, BATCH)
            deleted, looked_at = self._run("purge", queue, *asked)
            gone += deleted
            passed_over += looked_at - deleted
            if looked_at < (step if state in FINAL else BATCH):
                break
        return gone


def _order(verb: Verb, operation: str, reason: str) -> tuple[str | int, ...]:
    """A verb as scripts take it (lua/lib/act.lua)."""
    return as_line(operation), KEPT_OPERATIONS, reason, _LETTERS_OF[verb]
