"""The rules of workers: exchanges, lost replies, late calls, renewals, releases."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from core.model.gate import task_gate
from core.model.outcome import Charge
from core.model.states import State

from .driver import LEASE_MS, QUEUE, TASKS, WORKERS, Driver, as_exchange, delays, picks, told
from .values import ModelClaim, ModelNew, ModelOutcome

ENDINGS = [state for state in State if state is not State.RUNNING]
workers = st.sampled_from(WORKERS)
served = st.sampled_from([(), (), TASKS[:1], TASKS[1:], TASKS])


class Work(Driver):
    """Two workers, whose claims may be long lost when they settle them."""

    @precondition(lambda self: self.model.of(State.PENDING) and not self.model.is_paused)
    @rule(worker=workers, want=st.integers(1, 4))
    def claim(self, worker: str, want: int) -> None:
        self.send(worker, [], want)

    @rule(
        worker=workers,
        want=st.integers(0, 4),
        ends=st.lists(st.tuples(picks, st.sampled_from(ENDINGS), delays), max_size=3),
        charge=st.sampled_from(Charge),
        follow=st.booleans(),
        serve=served,
    )
    def exchange(
        self,
        worker: str,
        want: int,
        ends: list[tuple[int, State, int]],
        charge: Charge,
        follow: bool,
        serve: tuple[str, ...],
    ) -> None:
        outcomes = [self.outcome(*what, charge=charge, follow=follow) for what in ends] if self.claims else []
        self.send(worker, outcomes, want, serve)

    @precondition(lambda self: self.running())
    @rule(worker=workers, state=st.sampled_from(ENDINGS), delay_ms=delays, want=st.integers(0, 2))
    def settle_what_runs(self, worker: str, state: State, delay_ms: int, want: int) -> None:
        claim = self.running()[0]
        self.send(worker, [ModelOutcome(claim, state, delay_ms=delay_ms, line=b"\x91\x01")], want)

    @precondition(lambda self: self.running())
    @rule(worker=workers, pick=picks, want=st.integers(0, 2))
    def hold_what_is_unknown(self, worker: str, pick: int, want: int) -> None:
        """A worker finds that it does not know the task of what it has claimed."""
        claims = self.running()
        claim = claims[pick % len(claims)]
        at = task_gate(self.model.jobs[claim.raw].new.task)
        outcome = ModelOutcome(claim, State.HELD, Charge.RETURNED, line=b"\x91\x04", held_at=at)
        self.send(worker, [outcome], want)

    @precondition(lambda self: self.running())
    @rule(pick=picks, state=st.sampled_from([State.PENDING, State.FAILED, State.DEAD]))
    def settle_as_if_lost(self, pick: int, state: State) -> None:
        """A janitor that found the job earlier, and does not know that its lease was renewed."""
        claims = self.running()
        outcome = ModelOutcome(claims[pick % len(claims)], state, Charge.LOST, if_expired=True, line=b"\x91\x03")
        self.send("janitor", [outcome], 0)

    @precondition(lambda self: self.sent)
    @rule(pick=picks)
    def send_the_newest_call_again(self, pick: int) -> None:
        """The reply was lost: the same answer, but for claims that others have ended meanwhile."""
        worker = sorted(self.sent)[pick % len(self.sent)]
        sent = self.sent[worker]
        for name, store in self.stores.items():
            with told(name):
                reply = store.exchange(sent.calls[name])
                assert list(reply.refused) == sent.refused
                assert list(reply.awaited) == self.model.gates.awaited()
                given = [self.held[name, claim.attempt] for claim in sent.claims]
                still = [self.held[name, claim.attempt] for claim in sent.claims if self.model.held(claim)]
                assert [claim for claim in reply.claims if claim in still] == still
                assert all(claim in given for claim in reply.claims)

    @precondition(lambda self: any(number > 1 for number in self.calls.values()))
    @rule(pick=picks, want=st.integers(0, 3))
    def send_an_old_call(self, pick: int, want: int) -> None:
        """A call that was overtaken does nothing and is answered with nothing."""
        late = [worker for worker, number in self.calls.items() if number > 1]
        worker = late[pick % len(late)]
        for name, store in self.stores.items():
            outcomes = tuple(self.as_outcome(name, ModelOutcome(claim, State.DEAD)) for claim in self.running())
            with told(name):
                call = as_exchange(worker, self.calls[worker] - 1, outcomes, want, TASKS)
                reply = store.exchange(call)
                assert (list(reply.refused), list(reply.claims)) == ([], [])

    @precondition(lambda self: self.claims)
    @rule(chosen=st.lists(picks, min_size=1, max_size=3, unique=True))
    def renew(self, chosen: list[int]) -> None:
        claims = self.some_claims(chosen)
        expected = self.model.renew(claims)
        for name, store in self.stores.items():
            with told(name):
                assert list(store.renew(QUEUE, self.keys(name, claims), LEASE_MS)) == expected

    @precondition(lambda self: self.claims)
    @rule(chosen=st.lists(picks, min_size=1, max_size=3, unique=True))
    def release(self, chosen: list[int]) -> None:
        claims = self.some_claims(chosen)
        expected = self.model.release(claims)
        for name, store in self.stores.items():
            with told(name):
                assert store.release(QUEUE, self.keys(name, claims)) == expected

    def outcome(self, pick: int, state: State, delay_ms: int, *, charge: Charge, follow: bool) -> ModelOutcome:
        claim: ModelClaim = self.claims[-1 - pick % len(self.claims)]
        then = (ModelNew(self.next_id(), delay_ms=delay_ms),) if follow else ()
        reason = f"reason {pick % 3}"
        return ModelOutcome(claim, state, charge, delay_ms, reason, b"\x91" + bytes([pick % 100]), then=then)
