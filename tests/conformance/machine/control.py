"""The rules of operators: verbs, sweeps, pauses, purges, and moves to another store and back."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from msgspec.structs import replace as with_fields

from core.backends.contract import Cursor, Sweep, Swept
from core.model.states import FINAL, State, Verb

from .driver import QUEUE, Driver, picks, places_of, told
from .values import ModelSwept, Place

verbs = st.sampled_from(Verb)
WHY = "by hand"


class Control(Driver):
    """Operators act on what they saw, which may have changed."""

    swept: tuple[Sweep, Place | None] | None = None  # the newest chunk of a sweep, and where the next begins

    @rule(verb=verbs, pick=picks)
    def act(self, verb: Verb, pick: int) -> None:
        self.act_on(verb, self.some_id(pick), self.next_operation())

    @precondition(lambda self: self.running())
    @rule(pick=picks)
    def cancel_what_runs(self, pick: int) -> None:
        claims = self.running()
        self.act_on(Verb.CANCEL, claims[pick % len(claims)].raw, self.next_operation())

    @precondition(lambda self: self.model.of(State.HELD))
    @rule(verb=verbs, pick=picks)
    def act_on_who_waits(self, verb: Verb, pick: int) -> None:
        held = self.model.of(State.HELD)
        self.act_on(verb, held[pick % len(held)].raw, self.next_operation())

    @precondition(lambda self: any(job.operations for job in self.model.jobs.values()))
    @rule(verb=verbs, pick=picks)
    def act_again(self, verb: Verb, pick: int) -> None:
        acted = sorted(raw for raw, job in self.model.jobs.items() if job.operations)
        raw = acted[pick % len(acted)]
        operations = self.model.jobs[raw].operations
        self.act_on(verb, raw, operations[pick % len(operations)])

    def act_on(self, verb: Verb, raw: bytes, operation: str) -> None:
        applied = self.model.act(verb, raw, operation, WHY)
        after = self.model.jobs[raw].state if raw in self.model.jobs else None
        for name, store in self.stores.items():
            with told(name):
                [acted] = store.act(verb, QUEUE, [raw], operation, WHY)
                assert (acted.applied, acted.after) == (applied, after)

    @precondition(lambda self: self.is_rare_turn())
    @rule(
        verb=verbs, state=st.sampled_from(State), back_ms=st.sampled_from([-1, -1, 0, 1_000]), limit=st.integers(1, 3)
    )
    def sweep(self, verb: Verb, state: State, back_ms: int, limit: int) -> None:
        cut_ms = self.clock.now_ms() - back_ms
        named = {"operation": self.next_operation(), "reason": WHY}
        self.sweep_chunk(Sweep(queue=QUEUE, verb=verb, state=state, before_ms=cut_ms, limit=limit, **named), None)

    @precondition(lambda self: self.swept)
    @rule(again=st.booleans())
    def sweep_on(self, *, again: bool) -> None:
        """The next chunk of the newest sweep, or the same once more: its reply was lost."""
        sweep, last = self.swept
        if again or last is not None:
            after = sweep.after and (sweep.after.score, sweep.after.raw)
            self.sweep_chunk(sweep, after if again else last)

    def sweep_chunk(self, sweep: Sweep, after: Place | None) -> None:
        cursor = Cursor(after[0], QUEUE, after[1]) if after else None
        sweep = with_fields(sweep, after=cursor)
        expected = self.model.sweep(
            sweep.verb, sweep.state, sweep.before_ms, sweep.operation, sweep.reason, after, sweep.limit
        )
        for name, store in self.stores.items():
            with told(name):
                assert store.sweep(sweep) == as_swept(expected)
        self.swept = (sweep, expected.last)

    @precondition(lambda self: self.model.is_paused or self.is_rare_turn())
    @rule()
    def pause_or_resume(self) -> None:
        self.model.is_paused = not self.model.is_paused
        for store in self.stores.values():
            if self.model.is_paused:
                store.pause(QUEUE, WHY)
            else:
                store.resume(QUEUE)

    @precondition(lambda self: self.is_rare_turn())
    @rule(state=st.sampled_from([*sorted(FINAL) * 3, *State]), back_ms=st.sampled_from([-1, -1, 0, 1_000]))
    def purge(self, state: State, back_ms: int) -> None:
        before_ms = self.clock.now_ms() - back_ms
        expected = self.model.purge(state, before_ms)
        for name, store in self.stores.items():
            with told(name):
                assert store.purge(QUEUE, state, before_ms, 1_000) == expected

    @rule(chosen=st.lists(picks, min_size=1, max_size=4, unique=True), wrong=st.booleans(), returns=st.booleans())
    def move_away_and_back(self, chosen: list[int], *, wrong: bool, returns: bool) -> None:
        """Withdrawn and taken over again as they were read; or withdrawn from where they no longer are."""
        self.move_away({self.some_id(pick) for pick in chosen}, wrong=wrong, returns=returns)

    @precondition(lambda self: self.those_who_passed())
    @rule(pick=picks, returns=st.booleans())
    def move_one_away_that_has_passed(self, pick: int, *, returns: bool) -> None:
        passed = self.those_who_passed()
        self.move_away({passed[pick % len(passed)]}, wrong=False, returns=returns)

    def those_who_passed(self) -> list[bytes]:
        return [job.raw for job in self.model.of(State.PENDING) if job.has_passed]

    def move_away(self, chosen: set[bytes], *, wrong: bool, returns: bool) -> None:
        raws = sorted(chosen & set(self.model.jobs))
        resting = [raw for raw in raws if self.model.jobs[raw].state is not State.RUNNING]
        moved = [self.model.jobs[raw] for raw in resting]
        waited_at = [job.held_at for job in moved]
        places = [(job.raw, job.state, job.score + wrong) for job in moved]
        read = {name: self.read(name, resting) for name in self.stores}
        gone = self.model.withdraw(places)
        came = [self.model.adopt(job, at) for job, at in zip(moved, waited_at, strict=True)] if returns else []
        for name, store in self.stores.items():
            with told(name):
                asked = [(raw, state, score + wrong) for raw, state, score in places_of(read[name])]
                assert store.withdraw(QUEUE, asked) == len(gone)
                assert not returns or list(store.adopt(QUEUE, read[name])) == came

    def read(self, name: str, raws: list[bytes]):
        refs = [ref for ref in self.refs() if ref.raw in raws]
        return sorted(self.stores[name].get(refs), key=lambda job: job.ref.raw)


def as_swept(expected: ModelSwept) -> Swept:
    last = expected.last
    following = Cursor(last[0], QUEUE, last[1]) if last else None
    return Swept(applied=expected.applied, refused=expected.refused, scanned=expected.scanned, next=following)
