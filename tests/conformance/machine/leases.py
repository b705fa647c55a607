"""The rules of janitors and of the clock: silence, lost leases, retention."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from core.model.outcome import Charge
from core.model.retention import Keep, Retention
from core.model.states import FINAL, State

from .driver import LEASE_MS, QUEUE, Driver, told
from .values import ModelOutcome

NEVER = timedelta(days=3_650)
FORWARD_MS = [1, 2, 5, 10, 1_000, LEASE_MS // 2, LEASE_MS // 2 + 1, LEASE_MS, LEASE_MS + 1]
BACK_MS = [-1, -5_000, -LEASE_MS]


class Leases(Driver):
    """A janitor's passes; workers that crashed are simply those that never settled."""

    @rule(settles=st.booleans())
    def look_for_the_lost(self, *, settles: bool) -> None:
        self.rescue(settles=settles)

    @precondition(lambda self: self.running())
    @rule(passes=st.integers(1, 6), settles=st.booleans())
    def fall_silent(self, passes: int, *, settles: bool) -> None:
        """Workers do nothing while a janitor looks every half lease."""
        for _ in range(passes):
            self.rescue(settles=settles)
            self.clock.move(LEASE_MS // 2)

    @rule(ms=st.sampled_from(FORWARD_MS))
    def move_clock(self, ms: int) -> None:
        self.clock.move(ms)

    @precondition(lambda self: self.time_goes_back)
    @rule(ms=st.sampled_from(BACK_MS))
    def move_clock_back(self, ms: int) -> None:
        self.clock.move(ms)

    @precondition(lambda self: self.is_rare_turn())
    @rule(state=st.sampled_from(sorted(FINAL)), keep=st.integers(1, 5), age_ms=st.sampled_from([0, 1_000, 10**9]))
    def trim(self, state: State, keep: int, age_ms: int) -> None:
        wide = {kept.value: Keep(1_000, NEVER) for kept in FINAL}
        retention = Retention(**{**wide, state.value: Keep(keep, timedelta(milliseconds=age_ms))})
        expected = self.model.trim(state, keep, self.clock.now_ms() - age_ms)
        for name, store in self.stores.items():
            with told(name):
                assert store.trim(QUEUE, retention, 1_000) == expected

    def rescue(self, *, settles: bool) -> None:
        jumped, lost = self.model.rescue()
        for name, store in self.stores.items():
            with told(name):
                found = store.rescue(QUEUE, 100, LEASE_MS)
                assert found.jumped == jumped
                assert list(found.claims) == [self.held[name, claim.attempt] for claim in lost]
                assert list(found.workers) == [self.model.jobs[claim.raw].worker for claim in lost]
        if settles and lost:
            charge = Charge.LOST
            outcomes = [ModelOutcome(claim, State.PENDING, charge, if_expired=True, line=b"\x91\x02") for claim in lost]
            self.send("janitor", outcomes, 0)
