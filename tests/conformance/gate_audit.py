"""Gates against the jobs: who holds a slot, counted by those who run and those who could run at once."""

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from core.backends.contract import Backend, Exchange
from core.model.gate import Gate
from core.model.ident import JobRef
from core.model.job import StoredJob
from core.model.states import State, Verb

Name = tuple[str, str]  # queue, gate

_AUDITOR = "auditor"


def assert_gates_add_up(store: Backend, every: Sequence[StoredJob]) -> None:
    """Waiters are the held jobs; slots are those of running jobs and of pending ones that have passed.

    Whether a pending job has passed shows only in a claim: with somebody in line at each gate none but those is
    claimed. So the lines are emptied, one that cannot pass is put there, and everything is claimed that can be.
    """
    names = sorted({(job.ref.queue, job.gate.name) for job in every if job.gate})
    lines = Counter((job.ref.queue, job.held_at) for job in every if job.held_at)
    assert all(job.state is State.HELD for job in every if job.held_at), "a job waits at a gate and is not held"
    for name in {*names, *lines}:
        assert _waiting(store, name) == lines[name], f"the line at {name} is not that of the held jobs"
    if not names:
        return
    used = {name: _used(store, name) for name in names}
    running = Counter((job.ref.queue, job.gate.name) for job in every if job.gate and job.state is State.RUNNING)
    passed = _count_those_who_passed(store, names, every)
    for name in names:
        assert used[name] == running[name] + passed[name], f"the slots of {name} are not those of its jobs"


def _used(store: Backend, name: Name) -> int:
    info = store.gate(*name)
    return info.used if info else 0


def _waiting(store: Backend, name: Name) -> int:
    info = store.gate(*name)
    return info.waiting if info else 0


def _count_those_who_passed(store: Backend, names: Sequence[Name], every: Sequence[StoredJob]) -> Counter[Name]:
    gate_of = {job.ref: (job.ref.queue, job.gate.name) for job in every if job.gate}
    counted: Counter[Name] = Counter()
    for queue in {queue for queue, _ in names}:
        waiting = [job.ref.raw for job in every if job.ref.queue == queue and job.state is State.HELD]
        store.act(Verb.CANCEL, queue, waiting, "audit")
        store.adopt(queue, list(_in_line(name for name in names if name[0] == queue)))
        store.resume(queue)
        # One call, whose claims come before anything that it turns away can change the numbers of its gate.
        claims = store.exchange(Exchange(queue=queue, worker=_AUDITOR, call=1, want=10_000)).claims
        counted.update(gate_of[claim.ref] for claim in claims if claim.ref in gate_of)
    return counted


def _in_line(names: Iterable[Name]) -> Iterable[StoredJob]:
    """Two at the head of the queue for each gate, with a limit of one: the first may take a slot, the second waits."""
    for number, (queue, name) in enumerate(name for name in names for _ in range(2)):
        raw = b"gate-audit" + number.to_bytes(4, "big")
        yield replace(_FIRST, ref=JobRef(queue, raw), score=number, gate=Gate(name, limit=1))


_FIRST = StoredJob(
    ref=JobRef("", b""),
    state=State.PENDING,
    score=0,
    task="audit",
    arguments=b"\x80",
    options=b"",
    priority=100,
    max_attempts=1,
    enqueued_ms=0,
)
