"""The rules by which jobs come in."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from core.model.gate import Gate
from core.model.job import Unique

from .driver import KEYS, TASKS, Driver, delays, picks
from .values import ModelNew

priorities = st.sampled_from([0, 0, 1, -100, 100])
unique_keys = st.sampled_from(["", "", *KEYS])
kinds = st.sampled_from(
    [(Unique.UNTIL_FINISHED, 0), (Unique.WHILE_PENDING, 0), (Unique.FOR_A_TIME, 5), (Unique.FOR_A_TIME, 1_000)]
)
LIMITS = [Gate("limit:ann", limit=1), Gate("limit:ann", limit=2), Gate("limit:bob", limit=1)]
RATES = [
    Gate("rate:slow", interval_us=1_000_000),
    Gate("rate:quick", interval_us=1_500, burst=3),
    Gate("rate:both", limit=2, interval_us=5_000, burst=2),
    Gate("rate:both", limit=1, interval_us=999_999),
]
GATE_NAMES = sorted({gate.name for gate in (*LIMITS, *RATES)} | {f"task:{task}" for task in TASKS})
gates = st.sampled_from([None, None, *LIMITS, *RATES])


class Intake(Driver):
    """Jobs of two tasks, with and without keys and gates."""

    @rule(
        priority=priorities,
        delay_ms=delays,
        key=unique_keys,
        kind=kinds,
        gate=gates,
        task=st.sampled_from(TASKS),
        size=st.integers(1, 3),
    )
    def enqueue(
        self, priority: int, delay_ms: int, key: str, kind: tuple[Unique, int], gate: Gate | None, task: str, size: int
    ) -> None:
        made = [self.new(task, priority, delay_ms, key, kind, gate) for _ in range(size)]
        self.enqueue_all(made)

    @rule(gate=gates, size=st.integers(2, 4))
    def enqueue_at_a_gate(self, gate: Gate | None, size: int) -> None:
        self.enqueue_all([self.new(TASKS[0], 0, 0, "", (Unique.UNTIL_FINISHED, 0), gate) for _ in range(size)])

    @rule(pick=picks, key=unique_keys)
    def enqueue_again(self, pick: int, key: str) -> None:
        known = sorted(self.model.jobs)
        if known:
            self.enqueue_all([ModelNew(known[pick % len(known)], unique_key=key)])

    def new(
        self, task: str, priority: int, delay_ms: int, key: str, kind: tuple[Unique, int], gate: Gate | None
    ) -> ModelNew:
        if self.time_goes_back:
            kind = kind if kind[0] is not Unique.FOR_A_TIME else (Unique.UNTIL_FINISHED, 0)
            gate = gate if gate in LIMITS else None
        unique, unique_ms = kind if key else (Unique.UNTIL_FINISHED, 0)
        return ModelNew(self.next_id(), task, priority, delay_ms, key, unique, unique_ms, gate)
