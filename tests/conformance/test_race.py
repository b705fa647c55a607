"""Real threads against one store: each job settled once, nothing lost, nothing shown half done."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.backends.contract import Backend, ExchangeReply
from core.model.job import Claim
from core.model.outcome import Charge
from core.model.states import State, Verb

from .lab import LEASE_MS, Lab, end, keys

JOBS = 2_000
MANY = 10_000
CLAIMERS = 8
BATCH = 25


def run_together(*works: Callable[[], object]) -> list[object]:
    """Run each in a thread of its own, all from one moment on; answers what each answered."""
    start = threading.Barrier(len(works))

    def begin(work: Callable[[], object]) -> object:
        start.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as threads:
        return [future.result() for future in [threads.submit(begin, work) for work in works]]


def drain(lab: Lab, worker: str) -> list[bytes]:
    """Claim and settle until nothing is handed out; answers the ids whose settle was accepted."""
    settled: list[bytes] = []
    reply = lab.exchange(want=BATCH, worker=worker)
    while reply.claims:
        claims = reply.claims
        reply = lab.exchange(*(end(claim, State.COMPLETED) for claim in claims), want=BATCH, worker=worker)
        settled += [claim.raw for claim in claims if claim.raw not in set(reply.refused)]
    return settled


@pytest.mark.parametrize("connections", ["one", "each"])
def test_eight_claimers_settle_two_thousand_jobs_once_each(lab: Lab, meet, connections: str):
    jobs = [lab.job(priority=n % 3) for n in range(JOBS)]
    lab.store.enqueue(jobs)
    stores: list[Backend] = [lab.store if connections == "one" else meet() for _ in range(CLAIMERS)]
    labs = [Lab(store, lab.clock) for store in stores]
    done = run_together(*(lambda n=n: drain(labs[n], f"worker-{n}") for n in range(CLAIMERS)))
    settled = Counter(raw for ids in done for raw in ids)
    assert settled == Counter(job.raw for job in jobs)
    assert (lab.counts().processed, lab.count(State.COMPLETED)) == (JOBS, JOBS)


class Mortal:
    """A claimer that settles twice at times, dies at times with what it holds, and watches over others' leases.

    Its successor has another name; its ghost settles what it held once somebody else has it. newest: by job, the
    greatest token that any claimer was given. done: ids whose settle was accepted; tokens: of every claim it got.
    """

    def __init__(self, lab: Lab, janitors: threading.Lock, newest: dict[bytes, int], number: int) -> None:
        self._lab, self._janitors, self._newest, self._number = lab, janitors, newest, number
        self._chance = random.Random(number)
        self._lives = 1
        self._ghosts: list[Claim] = []
        self.done: list[bytes] = []
        self.tokens: list[int] = []
        self.abandoned = self.rescued = self.too_late = 0

    def work_until(self, is_over: threading.Event, jobs: int) -> None:
        held: Sequence[Claim] = ()
        while not is_over.is_set():
            held = self._turn(held)
            self._haunt()
            if not held or self._chance.random() < 0.1:
                self._watch()
            if not held and self._lab.count(State.COMPLETED) == jobs:
                is_over.set()

    def _turn(self, held: Sequence[Claim]) -> Sequence[Claim]:
        if held and self._chance.random() < 0.1:
            self.abandoned += len(held)
            self._ghosts += held
            self._lives += 1
            held = ()
        reply = self._settle(held, want=BATCH)
        self.tokens += [claim.token for claim in reply.claims]
        self._newest.update({claim.raw: claim.token for claim in reply.claims})
        self.done += [claim.raw for claim in held if claim.raw not in set(reply.refused)]
        if self._chance.random() < 0.2:
            self._settle_in_vain(held)
        return reply.claims

    def _haunt(self) -> None:
        """The dead come back, when others have taken over."""
        late = [ghost for ghost in self._ghosts if self._newest[ghost.raw] > ghost.token]
        self._ghosts = [ghost for ghost in self._ghosts if ghost not in late]
        self._settle_in_vain(late)

    def _settle_in_vain(self, claims: Sequence[Claim]) -> None:
        if claims:
            refused = self._settle(claims).refused
            assert sorted(refused) == sorted(claim.raw for claim in claims), "a settle was accepted that came too late"
            self.too_late += len(claims)

    def _settle(self, claims: Sequence[Claim], *, want: int = 0) -> ExchangeReply:
        worker = f"worker-{self._number}-{self._lives}"
        return self._lab.exchange(*(end(claim, State.COMPLETED) for claim in claims), want=want, worker=worker)

    def _watch(self) -> None:
        """A janitor's pass: time goes on a little, and what ran out is pending again."""
        with self._janitors:
            self._lab.clock.move(LEASE_MS // 4)
            found = self._lab.store.rescue("mail", 100, LEASE_MS).claims
            given = [end(claim, State.PENDING, if_expired=True, charge=Charge.LOST) for claim in found]
            reply = self._lab.exchange(*given, worker=f"janitor-{self._number}")
            self.rescued += len(given) - len(reply.refused)


def test_ten_thousand_jobs_are_settled_once_each_by_eight_claimers_that_die_at_times(lab: Lab, meet):
    jobs = [lab.job(priority=n % 3) for n in range(MANY)]
    lab.store.enqueue(jobs)
    janitors, newest, is_over = threading.Lock(), dict[bytes, int](), threading.Event()
    claimers = [Mortal(Lab(meet(), lab.clock), janitors, newest, number) for number in range(CLAIMERS)]
    run_together(*(lambda claimer=claimer: claimer.work_until(is_over, MANY) for claimer in claimers))
    assert Counter(raw for claimer in claimers for raw in claimer.done) == Counter(job.raw for job in jobs)
    tokens = [token for claimer in claimers for token in claimer.tokens]
    assert len(tokens) == len(set(tokens)), "two claims had one token"
    total = {name: sum(getattr(one, name) for one in claimers) for name in ("abandoned", "rescued", "too_late")}
    assert total["rescued"] >= total["abandoned"] > 0
    assert total["too_late"] > total["abandoned"] // 2
    assert len(tokens) == MANY + total["rescued"]
    counts = lab.counts()
    assert (counts.processed, counts.failures, counts.states[State.COMPLETED]) == (MANY, 0, MANY)


def test_producers_and_workers_at_once_lose_nothing(lab: Lab):
    batches = [[lab.job() for _ in range(10)] for _ in range(40)]
    coming = threading.Event()

    def produce(half: int) -> None:
        for batch in batches[half::2]:
            lab.store.enqueue(batch)

    def work(worker: str) -> list[bytes]:
        settled: list[bytes] = []
        while not coming.is_set():
            settled += drain(mine[worker], worker)
        return settled + drain(mine[worker], worker)

    def produce_all() -> list[bytes]:
        run_together(lambda: produce(0), lambda: produce(1))
        coming.set()
        return []

    mine = {worker: Lab(lab.store, lab.clock) for worker in ("one", "two")}
    done = run_together(produce_all, lambda: work("one"), lambda: work("two"))
    assert Counter(raw for ids in done for raw in ids) == Counter(job.raw for batch in batches for job in batch)


def test_one_id_enqueued_by_many_at_once_is_stored_once(lab: Lab):
    jobs = [lab.job() for _ in range(30)]
    answers = run_together(*(lambda: lab.store.enqueue(jobs) for _ in range(CLAIMERS)))
    created = Counter(receipt.ref.raw for receipts in answers for receipt in receipts if receipt.created)
    assert created == Counter(job.raw for job in jobs)


def test_one_unique_key_enqueued_by_many_at_once_has_one_holder(lab: Lab):
    jobs = [lab.job(unique_key="welcome:7") for _ in range(CLAIMERS)]
    answers = run_together(*(lambda job=job: lab.store.enqueue([job]) for job in jobs))
    receipts = [receipt for [receipt] in answers]
    assert sum(receipt.created for receipt in receipts) == 1
    assert len({receipt.ref for receipt in receipts}) == 1


def test_a_batch_appears_whole_or_not_at_all(lab: Lab):
    batches = [[lab.job() for _ in range(40)] for _ in range(15)]
    over = threading.Event()

    def produce() -> set[int]:
        for batch in batches:
            lab.store.enqueue(batch)
        over.set()
        return set()

    def watch() -> set[int]:
        seen = set()
        while not over.is_set():
            seen |= {counts.states[State.PENDING] % 40 for counts in lab.store.counts()}
        return seen

    assert run_together(produce, watch)[1] <= {0}


def test_a_settle_and_a_rescue_at_once_have_one_winner(lab: Lab):
    lab.store.enqueue([lab.job() for _ in range(100)])
    claims = lab.claim(100)
    lab.pass_time(LEASE_MS * 3)
    lab_of = {name: Lab(lab.store, lab.clock) for name in ("janitor", "worker")}

    def settle(name: str, state: State, *, if_expired: bool) -> set[bytes]:
        accepted: set[bytes] = set()
        for claim in claims:
            reply = lab_of[name].exchange(end(claim, state, if_expired=if_expired), worker=name)
            accepted |= {claim.raw} - set(reply.refused)
        return accepted

    rescued, completed = run_together(
        lambda: settle("janitor", State.CANCELLED, if_expired=True),
        lambda: settle("worker", State.COMPLETED, if_expired=False),
    )
    assert rescued & completed == set()
    assert rescued | completed == {claim.raw for claim in claims}
    assert {ref.raw for ref in lab.refs(State.COMPLETED)} == completed


def test_a_cancel_and_a_claim_at_once_have_one_winner(lab: Lab):
    jobs = [lab.job() for _ in range(200)]
    lab.store.enqueue(jobs)
    worker = Lab(lab.store, lab.clock)

    def cancel() -> set[bytes]:
        acted = [lab.store.act(Verb.DISCARD, "mail", [job.raw], "op") for job in reversed(jobs)]
        return {one.ref.raw for [one] in acted if one.applied}

    def claim() -> set[bytes]:
        taken: set[bytes] = set()
        while claims := worker.claim(1):
            taken |= {claim.raw for claim in claims}
        return taken

    cancelled, taken = run_together(cancel, claim)
    assert cancelled & taken == set()
    assert cancelled | taken == {job.raw for job in jobs}


def test_two_operators_who_retry_the_same_jobs_bring_each_back_once(lab: Lab):
    lab.store.enqueue([lab.job() for _ in range(60)])
    claims = lab.claim(60)
    lab.exchange(*(end(claim, State.DEAD) for claim in claims))
    raws = [claim.raw for claim in claims]
    answers = run_together(*(lambda n=n: lab.store.act(Verb.RETRY, "mail", raws, f"op-{n}") for n in range(4)))
    applied = Counter(one.ref.raw for acted in answers for one in acted if one.applied)
    assert applied == Counter(raws)
    assert lab.count(State.PENDING) == 60


def test_schedulers_that_tick_at_once_make_one_job_a_tick(lab: Lab):
    entry = lab.store.put_schedule("mail", "often", b"\x80", enabled=True)

    def tick_all() -> int:
        taken, last_ms = 0, entry.last_fire_ms
        for n in range(1, 31):
            job = jobs[n - 1]
            taken += lab.store.tick("mail", "often", entry.version, last_ms, entry.last_fire_ms + n, job)
            last_ms = entry.last_fire_ms + n
        return taken

    jobs = [lab.job() for _ in range(30)]
    assert sum(run_together(*(tick_all for _ in range(4)))) == 30
    assert lab.count(State.PENDING) == 30


def test_claims_given_back_while_others_claim_are_neither_lost_nor_doubled(lab: Lab):
    lab.store.enqueue([lab.job() for _ in range(200)])
    labs = [Lab(lab.store, lab.clock) for _ in range(4)]

    def churn(n: int) -> list[bytes]:
        settled: list[bytes] = []
        while claims := labs[n].claim(10, worker=f"worker-{n}"):
            kept, given = claims[:5], claims[5:]
            labs[n].store.release("mail", keys(given))
            reply = labs[n].exchange(*(end(claim, State.COMPLETED) for claim in kept), worker=f"worker-{n}")
            settled += [claim.raw for claim in kept if claim.raw not in set(reply.refused)]
        return settled

    done = run_together(*(lambda n=n: churn(n) for n in range(4)))
    left = drain(lab, "last")
    settled = Counter(raw for ids in [*done, left] for raw in ids)
    assert (len(settled), set(settled.values())) == (200, {1})
