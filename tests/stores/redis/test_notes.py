"""How notes and crashes lie in Redis: beside the jobs that have any, at no cost for the others."""

import struct
from collections.abc import Callable

import pytest
import redis

from core.backends.contract import Note
from core.backends.redis.backend import RedisBackend
from core.backends.redis.live import pack_rest, unpack_live
from core.errors import StoreFull
from core.model.gate import Gate
from core.model.ident import JobRef
from core.model.job import Claim, StoredJob
from core.model.outcome import Charge
from core.model.retention import Keep, Retention
from core.model.states import State, Verb
from tests.conformance.clock import FakeClock
from tests.servers import RedisServer

from .conftest import Opener, end, job, work
from .test_costs import counted

FAR_MS = 4_000_000_000_000
NOTES, META, LIVE = (f"jobs:{{mail}}:{name}" for name in ("notes", "meta", "live"))
LOSSES_AT, CRASHES_AT = 10, 9  # in a live part


def claimed(store: RedisBackend, count: int = 1, **fields: object) -> list[Claim]:
    store.enqueue([job(**fields) for _ in range(count)])
    return list(work(store, want=count).claims)


def note(store: RedisBackend, claim: Claim, **fields: bytes) -> None:
    assert store.note(claim.queue, [Note(claim.raw, claim.token, **fields)]) == []


def found(store: RedisBackend, claim: Claim) -> StoredJob:
    [stored] = store.get([claim.ref])
    assert stored is not None
    return stored


# Where they lie


def test_both_forms_of_the_scripts_keep_them_to_the_end(form: str, open_store: Opener, redis_server: str):
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    store = open_store(redis_server)
    [claim] = claimed(store)
    note(store, claim, progress=b"P", checkpoint=b"C", log=b"L")
    work(store, end(claim, State.PENDING, charge=Charge.CRASHED))
    [again] = work(store, want=1).claims
    assert (again.checkpoint, again.crashes, again.losses) == (b"C", 1, 1)
    work(store, end(again, State.COMPLETED, charge=Charge.CLEARED))
    stored = found(store, claim)
    assert (stored.progress, stored.checkpoint, stored.log) == (None, b"", b"L")
    assert (stored.crashes, stored.losses) == (1, 0)


def test_only_jobs_that_left_some_have_an_entry(store: RedisBackend, raw_client: redis.Redis):
    claims = claimed(store, 3)
    note(store, claims[1], log=b"L")
    assert store.note("mail", [Note(claims[2].raw, claims[2].token)]) == []  # it says nothing
    assert raw_client.hkeys(NOTES) == [claims[1].raw]
    assert [found(store, claim).log for claim in claims] == [b"", b"L", b""]


def test_a_completed_job_without_a_log_has_no_entry_any_more(store: RedisBackend, raw_client: redis.Redis):
    first, second = claimed(store, 2)
    note(store, first, progress=b"P", checkpoint=b"C")
    note(store, second, progress=b"P", checkpoint=b"C", log=b"")
    work(store, end(first, State.COMPLETED, result=b"R"), end(second, State.COMPLETED))
    assert raw_client.hkeys(NOTES) == [second.raw]
    assert found(store, first).result == b"R"
    assert [found(store, claim).checkpoint for claim in (first, second)] == [b"", b""]


def test_two_notes_of_one_job_in_one_call_are_kept_one_over_the_other(store: RedisBackend):
    [claim] = claimed(store)
    notes = [Note(claim.raw, claim.token, progress=b"1", log=b"one"), Note(claim.raw, claim.token, progress=b"2")]
    assert store.note("mail", [*notes, Note(claim.raw, claim.token + 1, progress=b"3")]) == [claim.raw]
    assert (found(store, claim).progress, found(store, claim).log) == (b"2", b"one")


def test_large_notes_go_in_calls_of_bounded_size(store: RedisBackend, raw_client: redis.Redis):
    claims, large = claimed(store, 100), bytes(65_536)
    notes = [Note(claim.raw, claim.token, b"P", large, large) for claim in claims]
    lost: list[list[bytes]] = []
    spent = counted(raw_client, lambda: lost.append(store.note("mail", notes)))
    assert lost == [[]]
    assert spent["evalsha"] == 4  # of at most 4 MiB each
    assert raw_client.hlen(NOTES) == 100


def test_a_note_keeps_the_slot_the_key_and_the_wish_that_it_stop(store: RedisBackend):
    gate = Gate("limit:mail", limit=1)
    [first] = claimed(store, gate=gate, unique_key="k")
    [waits] = store.enqueue([job(gate=gate)])
    assert work(store, want=1).claims == []
    store.act(Verb.CANCEL, "mail", [first.raw], "stop it")
    note(store, first, checkpoint=b"C")
    assert found(store, first).cancel_asked
    assert not store.enqueue([job(unique_key="k")])[0].created
    [second] = work(store, end(first, State.FAILED), want=1).claims
    assert (second.ref, found(store, first).state) == (waits.ref, State.CANCELLED)
    assert store.enqueue([job(unique_key="k")])[0].created


def test_a_job_with_notes_waits_at_its_gate_and_is_let_through(store: RedisBackend):
    gate = Gate("limit:mail", limit=1)
    [noted] = claimed(store, gate=gate)
    note(store, noted, checkpoint=b"C")
    work(store, end(noted, State.SCHEDULED, delay_ms=3_600_000))
    [other] = claimed(store, gate=gate)
    store.act(Verb.RETRY, "mail", [noted.raw], "now")
    assert work(store, want=1).claims == []
    assert found(store, noted).held_at == gate.name
    [again] = work(store, end(other, State.COMPLETED), want=1).claims
    assert (again.ref, again.checkpoint) == (noted.ref, b"C")
    work(store, end(again, State.COMPLETED))
    assert store.gate("mail", gate.name) is None


def test_claims_get_their_own_checkpoints_when_some_are_lost(store: RedisBackend, raw_client: redis.Redis):
    claims = claimed(store, 4)
    for claim in claims[1:]:
        note(store, claim, checkpoint=claim.raw)
    raw_client.hdel(NOTES, claims[2].raw)
    work(store, *(end(claim, State.PENDING) for claim in claims))
    kept = {claims[1].raw: claims[1].raw, claims[3].raw: claims[3].raw}
    assert {claim.raw: claim.checkpoint for claim in work(store, want=4).claims if claim.checkpoint} == kept


def test_a_full_server_takes_notes_and_lets_them_go(form: str, server: RedisServer, open_store: Opener):
    store = open_store(server.url)
    [claim] = claimed(store)
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory", client.info("memory")["used_memory"] // 2)
    with pytest.raises(StoreFull):
        store.enqueue([job()])
    note(store, claim, progress=b"P", checkpoint=bytes(65_536), log=b"L")
    assert len(found(store, claim).checkpoint) == 65_536
    work(store, end(claim, State.COMPLETED))
    assert (found(store, claim).checkpoint, found(store, claim).log) == (b"", b"L")


# How they go


def purge(store: RedisBackend) -> None:
    assert store.purge("mail", State.CANCELLED, FAR_MS, 10) == 2


def trim(store: RedisBackend) -> None:
    keep = Retention(cancelled=Keep(1, Retention().cancelled.age))
    assert store.trim("mail", keep, 10) == 1
    assert store.purge("mail", State.CANCELLED, FAR_MS, 10) == 1


def withdraw(store: RedisBackend, claims: list[Claim]) -> None:
    jobs = [found(store, claim) for claim in claims]
    assert store.withdraw("mail", [(stored.ref.raw, stored.state, stored.score) for stored in jobs]) == 2


@pytest.mark.parametrize("delete", [lambda store, _: purge(store), lambda store, _: trim(store), withdraw])
def test_a_deleted_job_leaves_no_note(
    store: RedisBackend, raw_client: redis.Redis, delete: Callable[[RedisBackend, list[Claim]], None]
):
    claims = claimed(store, 2)
    for claim in claims:
        note(store, claim, progress=b"P", checkpoint=b"C", log=b"L")
    work(store, *(end(claim, State.CANCELLED) for claim in claims))
    assert raw_client.hlen(NOTES) == 2
    delete(store, claims)
    assert not raw_client.exists(NOTES, LIVE)


def test_what_is_trimmed_on_the_way_leaves_no_note(store: RedisBackend, raw_client: redis.Redis):
    claims = claimed(store, 5)
    for claim in claims:
        note(store, claim, log=b"L")
    work(store, *(end(claim, State.COMPLETED) for claim in claims), keep_completed=2)
    assert raw_client.hlen(NOTES) == 2


def test_a_queue_whose_notes_are_gone_forgets_that_it_had_any(store: RedisBackend, raw_client: redis.Redis):
    [claim] = claimed(store)
    note(store, claim, checkpoint=b"C")
    store.trim("mail", Retention(), 10)
    assert raw_client.hget(META, "noted") == b"1"
    work(store, end(claim, State.COMPLETED))
    store.trim("mail", Retention(), 10)
    assert raw_client.hget(META, "noted") is None
    [claim] = claimed(store)
    note(store, claim, checkpoint=b"C")
    work(store, end(claim, State.PENDING))
    assert work(store, want=1).claims[0].checkpoint == b"C"


# What they cost


def test_jobs_without_notes_cost_no_command_more_while_others_have_some(store: RedisBackend, raw_client: redis.Redis):
    def turn() -> None:
        store.enqueue([job() for _ in range(20)])
        claims = work(store, want=20, keep_completed=0).claims
        work(store, *(end(claim, State.COMPLETED, result=b"R") for claim in claims), keep_completed=0)

    turn()
    before = counted(raw_client, turn)
    [claim] = claimed(store)
    note(store, claim, checkpoint=b"C")
    assert counted(raw_client, turn) == before


def test_trimming_on_the_way_asks_for_notes_only_where_there_are_some(store: RedisBackend, raw_client: redis.Redis):
    def deleted_of() -> int:
        claims = claimed(store, 3)
        spent = counted(raw_client, lambda: work(store, *(end(c, State.COMPLETED) for c in claims), keep_completed=1))
        return spent["hdel"]

    deleted_of()
    assert deleted_of() == 3  # job, live, end
    [claim] = claimed(store)
    note(store, claim, checkpoint=b"C")
    assert deleted_of() == 4


# Losses and crashes share what were the two bytes of the losses


def test_losses_of_an_older_version_are_read_as_they_were():
    older = struct.pack(">BIIHQQQHHH", 0, 5, 3, 3, 0, 0, 0, 0, 0, 0)
    live = unpack_live(older)
    assert (live.attempts, live.forgiven, live.losses, live.crashes) == (5, 3, 3, 0)
    stored = StoredJob(
        ref=JobRef("mail", bytes(14)),
        state=State.PENDING,
        score=1,
        task="shop.send",
        arguments=b"",
        options=b"",
        priority=0,
        max_attempts=5,
        enqueued_ms=1,
        attempts=5,
        forgiven=3,
        losses=3,
    )
    assert pack_rest(stored) == older


def test_a_crash_is_written_beside_the_losses(store: RedisBackend, raw_client: redis.Redis):
    [claim] = claimed(store)
    work(store, end(claim, State.PENDING, charge=Charge.LOST))
    [claim] = work(store, want=1).claims
    work(store, end(claim, State.PENDING, charge=Charge.CRASHED))
    packed = raw_client.hget(LIVE, claim.raw)
    assert (packed[CRASHES_AT], packed[LOSSES_AT]) == (1, 2)


def test_counts_end_at_their_byte(open_store: Opener, raw_client: redis.Redis, redis_server: str):
    store = open_store(redis_server, clock=FakeClock(1_790_000_000_000))
    [claim] = claimed(store)
    for _ in range(257):
        work(store, end(claim, State.PENDING, charge=Charge.CRASHED))
        [claim] = work(store, want=1).claims
    stored = found(store, claim)
    assert (stored.attempts, stored.forgiven, stored.crashes, stored.losses) == (258, 257, 255, 255)
    [again] = work(store, end(claim, State.PENDING, charge=Charge.LOST), want=1).claims
    assert (again.attempts, again.crashes, again.losses) == (259, 255, 255)
