"""What must hold after every step: each reader tells what the model has."""

from hypothesis.stateful import invariant

from core.backends.contract import PageQuery
from core.model.ident import JobRef
from core.model.job import StoredJob, ready_ms_of
from core.model.states import FINAL, State

from .driver import QUEUE, Driver, told
from .intake import GATE_NAMES
from .values import DUE, ModelGateInfo, ModelJob

AHEAD_AT_MOST = 3


class Looking(Driver):
    """Everything is compared, or a part in turn where all of it would make the trace slow."""

    @invariant()
    def readers_tell_what_the_model_has(self) -> None:
        """One invariant, so that a trace has one line of it a step. Jobs every time; the others in turn."""
        self.turn += 1
        self.jobs_are_as_the_model_has_them()
        in_turn = (
            self.counts_are_as_the_model_has_them,
            self.gates_stand_as_the_model_has_them,
            self.a_state_is_listed_in_the_models_order,
            self.the_last_in_line_knows_how_many_are_ahead,
        )
        in_turn[self.turn % len(in_turn)]()

    def jobs_are_as_the_model_has_them(self) -> None:
        jobs = list(self.model.jobs.values())
        for name, store in self.stores.items():
            with told(name):
                for expected, stored in zip(jobs, store.get(self.refs()), strict=True):
                    assert stored is not None
                    assert_same(expected, stored)

    def counts_are_as_the_model_has_them(self) -> None:
        model, pending = self.model, self.model.of(State.PENDING)
        for name, store in self.stores.items():
            with told(name):
                for counts in store.counts():
                    assert dict(counts.states) == {state: len(model.of(state)) for state in State}
                    assert (counts.processed, counts.failures) == (model.processed, model.failures)
                    assert counts.last_processed_ms in model.last_processed_ms
                    assert counts.oldest_pending_ms == (ready_ms_of(pending[0].score) if pending else 0)
                    assert counts.is_paused == model.is_paused
                    assert list(counts.awaited) == model.gates.awaited()

    def a_state_is_listed_in_the_models_order(self) -> None:
        state = list(State)[self.turn // 4 % len(State)]
        expected = [job.raw for job in self.model.of(state)]
        for name, store in self.stores.items():
            with told(name):
                page = store.page(PageQuery(state=state, limit=500))
                assert [job.ref.raw for job in page.jobs] == expected

    def gates_stand_as_the_model_has_them(self) -> None:
        """Every gate at which something goes on, and one in turn of those at which nothing may."""
        in_use = {job.held_at for job in self.model.jobs.values() if job.held_at}
        in_use |= {job.new.gate.name for job in self.model.jobs.values() if job.has_passed and job.new.gate}
        for gate in sorted(in_use | {GATE_NAMES[self.turn // 4 % len(GATE_NAMES)]}):
            expected = self.model.gates.info(gate, self.clock.now_ms())
            for name, store in self.stores.items():
                with told(name):
                    info = store.gate(QUEUE, gate)
                    seen = ModelGateInfo(info.used, info.waiting, info.next_ms) if info else ModelGateInfo(0, 0, 0)
                    assert seen == expected, gate

    def the_last_in_line_knows_how_many_are_ahead(self) -> None:
        """Counted up to a few."""
        pending = self.model.of(State.PENDING)
        asked = pending[-1].raw if pending else b"\x00" * 14
        expected = min(AHEAD_AT_MOST, len(pending) - 1) if pending else None
        for name, store in self.stores.items():
            with told(name):
                assert store.ahead(JobRef(QUEUE, asked), AHEAD_AT_MOST) == expected


def assert_same(expected: ModelJob, stored: StoredJob) -> None:
    """A stored job against the model's, field by field."""
    running = expected.state is State.RUNNING
    assert (stored.state, stored.score) == (expected.state, expected.score)
    counted = (expected.attempts, expected.forgiven, expected.losses, expected.crashes)
    assert (stored.attempts, stored.forgiven, stored.losses, stored.crashes) == counted
    assert stored.lines == tuple(expected.lines)
    ran = (expected.worker, expected.cancel_asked) if running else ("", False)
    assert (stored.worker, stored.cancel_asked) == ran
    assert stored.lease_until_ms == (expected.score if running else 0)
    assert stored.due_ms == (expected.score if expected.state in DUE else 0)
    assert stored.finished_ms == (expected.score if expected.state in FINAL else 0)
    assert (stored.gate, stored.held_at) == (expected.new.gate, expected.held_at)
    key = (expected.new.unique_key, expected.new.unique, expected.unique_until_ms)
    assert (stored.unique_key, stored.unique, stored.unique_until_ms) == key
    if expected.state not in (State.PENDING, State.RUNNING):
        assert stored.reason == expected.reason
