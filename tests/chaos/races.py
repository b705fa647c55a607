"""Two parties act on one job at the same moment: one of them wins, and the other is told."""

import threading
from collections.abc import Callable

from core.backends.contract import Backend, Exchange
from core.backends.opener import open_backend
from core.model.ident import IdMaker
from core.model.job import Claim, NewJob
from core.model.outcome import Outcome
from core.model.payload import pack_arguments
from core.model.states import State, Verb
from tests.chaos.field import STORES, Field
from tests.chaos.finding import Finding

QUEUE, SHORT_LEASE_MS = "default", 1
Act = Callable[[Backend, Claim], bool]


def _settle(state: State, worker: str, *, if_expired: bool = False) -> Act:
    def act(store: Backend, claim: Claim) -> bool:
        outcome = Outcome(raw=claim.raw, token=claim.token, state=state, if_expired=if_expired)
        call = Exchange(queue=QUEUE, worker=f"{worker} {claim.token}", call=1, outcomes=[outcome])
        return not store.exchange(call).refused

    return act


def _release(store: Backend, claim: Claim) -> bool:
    return store.release(QUEUE, [(claim.raw, claim.token)]) == 1


def _operator(verb: Verb, name: str) -> Act:
    def act(store: Backend, claim: Claim) -> bool:
        return store.act(verb, QUEUE, [claim.raw], f"{name} {claim.token}")[0].applied

    return act


COMPLETE = _settle(State.COMPLETED, "worker")
RESCUE = _settle(State.PENDING, "janitor", if_expired=True)
RESCUE_TOO = _settle(State.PENDING, "other janitor", if_expired=True)
RETRIES = _operator(Verb.RETRY, "ada"), _operator(Verb.RETRY, "bob")
CANCELS = _operator(Verb.CANCEL, "ada"), _operator(Verb.CANCEL, "bob")
# What is raced, and the state the job is brought to before: of each pair exactly one applies.
PAIRS: tuple[tuple[Act, Act, State], ...] = (
    (COMPLETE, RESCUE, State.RUNNING),
    (RESCUE, RESCUE_TOO, State.RUNNING),
    (COMPLETE, _release, State.RUNNING),
    (RESCUE, _release, State.RUNNING),
    (*CANCELS, State.PENDING),
    (*RETRIES, State.DEAD),
)


def operators(field: Field) -> Finding:
    """Each pair on each durable store."""
    finding = Finding("races")
    for name in STORES:
        url = field.store(name)
        stores = [open_backend(url), open_backend(url)]
        for one, other, state in PAIRS:
            for _ in range(field.size(50, least=5)):
                claim = _prepare(stores[0], state)
                wins = _race([(one, stores[0]), (other, stores[1])], claim)
                finding.tried += 1
                finding.held += wins == 1
        for store in stores:
            store.close()
    finding.figure = (
        f"{len(PAIRS)} pairs of cancel, retry, settle, release and rescue on each durable store: one winner"
    )
    return finding


def _prepare(store: Backend, state: State) -> Claim:
    """A job in a state, as it was last claimed."""
    job = NewJob(queue=QUEUE, raw=IdMaker().next(), task="nap", arguments=pack_arguments({}), priority=100)
    store.enqueue([job])
    taker = f"taker {job.raw.hex()}"
    claims = store.exchange(Exchange(queue=QUEUE, worker=taker, call=1, want=1, lease_ms=SHORT_LEASE_MS)).claims
    claim = claims[0]
    if state is State.PENDING:
        store.release(QUEUE, [(claim.raw, claim.token)])
    elif state is State.DEAD:
        outcome = Outcome(raw=claim.raw, token=claim.token, state=state)
        store.exchange(Exchange(queue=QUEUE, worker=taker, call=2, outcomes=[outcome]))
    else:
        threading.Event().wait(2 * SHORT_LEASE_MS / 1000)  # the lease runs out
    return claim


def _race(acts: list[tuple[Act, Backend]], claim: Claim) -> int:
    barrier, wins = threading.Barrier(len(acts)), []

    def run(act: Act, store: Backend) -> None:
        barrier.wait()
        wins.append(act(store, claim))

    threads = [threading.Thread(target=run, args=each) for each in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(wins)
