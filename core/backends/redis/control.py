"""What operators call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ...model.ident import JobRef
from ...model.limits import KEPT_OPERATIONS
from ...model.operation import as_line
from ...model.states import EFFECTS, FINAL, Effect, State, Verb
from ..contract import Acted
from .keys import STATE_KEYS, STATE_NUMBERS, STATES_BY_NUMBER
from .verbs import BATCH, Verbs, chunks

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


class Control(Verbs):
    """See contract.Control, but for `order`."""

    def act(self, verb: Verb, queue: str, raws: Sequence[bytes], operation: str, reason: str = "") -> list[Acted]:
        acted: list[Acted] = []
        for part in chunks(raws, _ACTED_AT_ONCE):
            flat = self._run("act", queue, as_line(operation), KEPT_OPERATIONS, reason, _LETTERS_OF[verb], *part)
            for index, raw in enumerate(part):
                applied, before, after = flat[3 * index : 3 * index + 3]
                states = (STATES_BY_NUMBER.get(before), STATES_BY_NUMBER.get(after))
                acted.append(Acted(JobRef(queue, raw), bool(applied), *states))
        return acted

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
