"""What a job costs: trips to the server, and bytes in its files."""

import msgspec

from core.backends.contract import Backend, Exchange
from core.model.outcome import Outcome
from core.model.states import State

from .conftest import Ask, MakeJob, Send, Spent

BATCH = 50
MANY = 10_000
PAYLOAD = msgspec.msgpack.encode({"i": 1, "user_id": 12345, "email": "someone@example.com", "template": "welcome"})


def commits(sent: list[str]) -> int:
    return sum("COMMIT" in trip.splitlines() for trip in sent)


def test_one_enqueue_is_one_transaction_of_a_handful_of_statements(store: Backend, make_job: MakeJob, spent: Spent):
    store.enqueue([make_job()])
    sent = spent(lambda: store.enqueue([make_job()]))
    assert commits(sent) == 1
    assert len(sent) <= 6, sent


def test_ten_thousand_in_one_call_are_one_transaction_and_few_statements(
    store: Backend, make_job: MakeJob, spent: Spent
):
    jobs = [make_job() for _ in range(MANY)]
    sent = spent(lambda: store.enqueue(jobs))
    assert commits(sent) == 1
    assert len(sent) <= 11, sent


def test_a_batch_is_settled_and_the_next_one_claimed_in_one_transaction(
    store: Backend, make_job: MakeJob, send: Send, spent: Spent
):
    store.enqueue([make_job() for _ in range(2 * BATCH)])
    claims = send(want=BATCH).claims
    done = [Outcome(claim.raw, claim.token, State.COMPLETED) for claim in claims]
    sent = spent(lambda: send(done, want=BATCH))
    print(f"{len(sent)} trips for {BATCH} settled and {BATCH} claimed")
    assert commits(sent) == 1
    assert len(sent) <= 5, sent


def test_a_batch_that_also_deletes_what_is_no_longer_kept_is_two_trips_more(
    store: Backend, make_job: MakeJob, spent: Spent
):
    store.enqueue([make_job() for _ in range(4 * BATCH)])
    outcomes: tuple[Outcome, ...] = ()
    trips: list[int] = []
    for number in range(1, 4):
        call = Exchange(
            queue="mail",
            worker="w",
            call=number,
            outcomes=outcomes,
            want=BATCH,
            keep_completed=BATCH,
            minutes={"ok": 1},
        )
        sent = spent(lambda call=call: outcomes_of(store, call))
        outcomes = outcomes_of(store, call)
        trips.append(len(sent))
    assert trips[1] <= 6
    assert trips[2] <= 8
    assert store.counts()[0].states[State.COMPLETED] == BATCH


def outcomes_of(store: Backend, call: Exchange) -> tuple[Outcome, ...]:
    """All that a call claims, done; the same call sent again claims the same."""
    return tuple(Outcome(claim.raw, claim.token, State.COMPLETED) for claim in store.exchange(call).claims)


def test_counts_are_one_statement_whatever_they_hold(store: Backend, make_job: MakeJob, spent: Spent):
    store.enqueue([make_job(queue=queue) for queue in ("a", "b", "c") for _ in range(500)])
    assert len(spent(store.counts)) <= 3


def test_an_idle_exchange_is_a_handful_of_statements(store: Backend, send: Send, spent: Spent):
    send(want=4)
    sent = spent(lambda: send(want=4))
    assert len(sent) <= 5, sent


def test_a_queued_job_takes_at_most_five_hundred_bytes(store: Backend, make_job: MakeJob, ask: Ask, schema: str):
    def size() -> int:
        return int(ask(f"SELECT pg_total_relation_size('{schema}.job')")[0][0])

    before = size()
    store.enqueue([make_job(arguments=PAYLOAD) for _ in range(20_000)])
    a_job = (size() - before) / 20_000
    print(f"{a_job:.0f} bytes a queued job, {len(PAYLOAD)} of them its arguments")
    assert a_job <= 500
