"""A search looks at jobs where they are: in bounded calls, at bytes, and only inside arguments and options."""

import pytest
import redis

from core.backends.contract import PageQuery
from core.backends.redis.backend import RedisBackend
from core.model.ident import JobRef
from core.model.states import State

from .conftest import Opener, job
from .test_costs import counted


@pytest.fixture
def found(form: str, open_store: Opener, raw_client: redis.Redis, redis_server: str) -> RedisBackend:
    return open_store(redis_server)


def search(store: RedisBackend, *having: bytes, **fields: object) -> list[JobRef]:
    return [row.ref for row in store.page(PageQuery(state=State.PENDING, having=having, **fields)).jobs]


def put(store: RedisBackend, **fields: object) -> JobRef:
    return store.enqueue([job(**fields)])[0].ref


def test_bytes_are_found_in_arguments_and_in_options_and_nowhere_else(found: RedisBackend):
    here = put(found, arguments=b"\x81\xa1a\xa6needle")
    there = put(found, options=b"\x81\xa1m\x81\xa1a\xa6needle")
    put(found, task="needle.task", unique_key="needle:7")
    assert sorted(search(found, b"needle")) == sorted([here, there])


def test_what_straddles_options_and_arguments_is_not_found(found: RedisBackend):
    put(found, options=b"abcab", arguments=b"cde")
    both = put(found, options=b"abcab", arguments=b"cab c")
    later = put(found, options=b"ab", arguments=b"cxabc")
    assert search(found, b"bcd") == []
    assert search(found, b"abcabc") == []
    assert search(found, b"cab", b"c") != []
    assert search(found, b"cxa") == [later]
    assert sorted(search(found, b"abc")) == sorted(search(found, b"abc", b"")) != []
    assert both in search(found, b"cab ")


def test_every_needle_must_be_there(found: RedisBackend):
    one = put(found, arguments=b"first \x00\xff second")
    put(found, arguments=b"first")
    assert search(found, b"second", b"first", b"\x00\xff") == [one]
    assert search(found, b"FIRST") == []


def test_signs_that_mean_something_to_patterns_are_bytes_like_others(found: RedisBackend):
    one = put(found, arguments=b"%a+.*[x]^$(-)")
    put(found, arguments=b"aaaa")
    assert search(found, b"%a+.*[x]^$(-)") == [one]
    assert search(found, b".*") == [one]


def test_a_search_passes_over_thousands_in_few_calls(found: RedisBackend, raw_client: redis.Redis):
    found.enqueue([job() for _ in range(3_000)])
    last = put(found, arguments=b"needle", priority=-5)
    spent = counted(raw_client, lambda: search(found, b"needle"))
    assert search(found, b"needle") == [last]
    assert spent["evalsha"] <= 8
    page = found.page(PageQuery(state=State.PENDING, having=(b"needle",), scan_limit=1_000))
    assert (page.jobs, page.scanned, page.exhausted) == ([], 1_000, False)
    following = found.page(PageQuery(state=State.PENDING, having=(b"needle",), after=page.next))
    assert [row.ref for row in following.jobs] == [last]


def test_large_jobs_are_looked_at_few_at_a_time(found: RedisBackend, raw_client: redis.Redis):
    large = [job(arguments=b"\x00" * 60_000 + f"number {n:03}".encode()) for n in range(120)]
    found.enqueue(large)
    spent = counted(raw_client, lambda: search(found, b"number 119"))
    assert search(found, b"number 119") == [large[119].ref]
    # 50 records are some 3 MB, beyond what one call reads: three calls, and one for the row that is shown.
    assert spent["evalsha"] == 4


def test_several_queues_are_searched_in_one_order(found: RedisBackend):
    refs = [put(found, queue=f"q{n % 3}", arguments=b"needle", priority=n) for n in range(30)]
    for n in range(300):
        found.enqueue([job(f"q{n % 3}", priority=n % 50)])
    assert search(found, b"needle") == refs[::-1]
    assert search(found, b"needle", queues=("q1",)) == [ref for ref in refs[::-1] if ref.queue == "q1"]
    first = found.page(PageQuery(state=State.PENDING, having=(b"needle",), limit=10))
    assert [row.ref for row in first.jobs] == refs[::-1][:10]
    assert search(found, b"needle", after=first.next, limit=10) == refs[::-1][10:20]


def test_a_task_and_bytes_are_wanted_together(found: RedisBackend):
    one = put(found, task="shop.send", arguments=b"needle")
    put(found, task="shop.bill", arguments=b"needle")
    put(found, task="shop.send")
    assert search(found, b"needle", task="shop.s*") == [one]
    assert len(search(found, b"needle", task="shop.*")) == 2


def test_a_place_in_line_is_one_command(found: RedisBackend, raw_client: redis.Redis):
    refs = sorted(receipt.ref for receipt in found.enqueue([job() for _ in range(1_000)]))
    spent = counted(raw_client, lambda: found.ahead(refs[700], 500))
    assert (found.ahead(refs[700], 500), found.ahead(refs[7], 500)) == (500, 7)
    assert spent.total() == 1
