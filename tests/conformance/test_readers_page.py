"""Pages: one natural order a state, keyset cursors both ways, filters, bounded scans."""

import pytest
from msgspec.structs import replace

from core.backends.contract import Cursor, Page
from core.model.ident import JobRef
from core.model.job import StoredJob
from core.model.states import FINAL, State, Verb

from .lab import HOUR_MS, Lab, end
from .matrix import covers, each_state


def refs(page: Page) -> list[JobRef]:
    return [job.ref for job in page.jobs]


def place_of(job: StoredJob) -> Cursor:
    return Cursor(job.score, job.ref.queue, job.ref.raw)


def fill(lab: Lab, state: State, count: int) -> list[JobRef]:
    """Jobs of one state at different times; answers them in the state's natural order."""
    made = []
    for _ in range(count):
        made.append(lab.arrive(state))
        lab.clock.move(10)
    return made[::-1] if state in FINAL else made


def crowd(lab: Lab, state: State, count: int) -> list[JobRef]:
    """Jobs of one state at one moment, over three queues, answered in order of (queue, raw)."""
    made = [lab.arrive(state, queue=queue) for queue in ("c", "a", "b") for _ in range(count)]
    return sorted(made, reverse=state in FINAL)


# Natural order


@each_state("page")
def test_jobs_of_a_state_come_in_its_natural_order(lab: Lab, state: State):
    expected = fill(lab, state, 5)
    assert refs(lab.page(state)) == expected


@each_state("page")
def test_jobs_of_one_moment_come_by_queue_and_id(lab: Lab, state: State):
    expected = crowd(lab, state, 3)
    assert refs(lab.page(state)) == expected


@each_state("page")
def test_walking_forward_meets_every_job_once(lab: Lab, state: State):
    expected = crowd(lab, state, 4)
    for limit in (1, 5, 12, 13):
        assert lab.refs(state, limit=limit) == expected


@each_state("page")
def test_walking_backwards_meets_every_job_once(lab: Lab, state: State):
    expected = crowd(lab, state, 4)
    last = lab.page(state, limit=12).jobs[-1]
    for limit in (1, 5, 11, 12):
        walked, before = [last.ref], place_of(last)
        while before is not None:
            page = lab.page(state, before=before, limit=limit)
            walked, before = [*refs(page), *walked], page.previous
        assert walked == expected


def test_pending_jobs_are_listed_in_the_order_they_will_run(lab: Lab):
    for priority in (0, 100, -100, 5, 5):
        lab.enqueue(priority=priority)
        lab.clock.move(1)
    listed = lab.refs(State.PENDING)
    assert [claim.ref for claim in lab.claim(5)] == listed


def test_waiting_jobs_are_listed_by_due_time_the_soonest_first(lab: Lab):
    late, soon, middle = (lab.enqueue(delay_ms=delay_ms) for delay_ms in (3_000, 1_000, 2_000))
    assert lab.refs(State.SCHEDULED) == [soon, middle, late]


def test_running_jobs_are_listed_by_lease_end_and_move_when_they_are_renewed(lab: Lab):
    first, second = lab.start(), lab.start()
    lab.clock.move(10)
    lab.store.renew("mail", [(first.raw, first.token)], 30_000)
    assert lab.refs(State.RUNNING) == [second.ref, first.ref]


def test_a_row_tells_what_the_job_tells_but_for_what_is_large(lab: Lab):
    claim = lab.start(task="shop.bill", priority=3, unique_key="k", options=b"\x80")
    [again] = lab.settle(claim, State.FAILED, line=b"\x91\x01", error=b"\x02", want=1).claims
    lab.finish(again, State.COMPLETED, line=b"\x91\x02", result=b"\x03", reason="fine")
    [row] = lab.page(State.COMPLETED).jobs
    whole = lab.read(claim.ref)
    assert (whole.result, len(whole.lines)) == (b"\x03", 2)
    assert row == replace(whole, result=None, error=row.error, lines=(b"\x91\x02",))


def test_a_row_of_a_running_job_tells_who_runs_it(lab: Lab):
    claim = lab.start()
    lab.act(Verb.CANCEL, claim.ref)
    [row] = lab.page(State.RUNNING).jobs
    assert (row.worker, row.token, row.claimed_ms, row.cancel_asked) == ("a" * 32, claim.token, lab.now, True)


# Cursors


def test_an_empty_state_has_an_empty_page(lab: Lab):
    lab.enqueue()
    page = lab.page(State.DEAD)
    assert (list(page.jobs), page.next, page.previous, page.exhausted) == ([], None, None, True)


def test_a_page_holds_no_more_than_its_limit(lab: Lab):
    expected = fill(lab, State.PENDING, 5)
    page = lab.page(State.PENDING, limit=3)
    assert refs(page) == expected[:3]
    assert page.next == place_of(page.jobs[-1])


def test_the_first_page_has_no_previous(lab: Lab):
    fill(lab, State.PENDING, 3)
    assert lab.page(State.PENDING, limit=2).previous is None


def test_the_last_page_has_no_next_though_it_is_full(lab: Lab):
    fill(lab, State.PENDING, 4)
    first = lab.page(State.PENDING, limit=2)
    last = lab.page(State.PENDING, limit=2, after=first.next)
    assert (len(last.jobs), last.next) == (2, None)


def test_the_page_before_is_the_one_that_was_left(lab: Lab):
    fill(lab, State.DEAD, 6)
    first = lab.page(State.DEAD, limit=2)
    second = lab.page(State.DEAD, limit=2, after=first.next)
    third = lab.page(State.DEAD, limit=2, after=second.next)
    back = lab.page(State.DEAD, limit=2, before=third.previous)
    assert refs(back) == refs(second)
    assert refs(lab.page(State.DEAD, limit=2, before=back.previous)) == refs(first)


def test_the_page_after_one_that_was_read_backwards_is_the_one_that_was_left(lab: Lab):
    fill(lab, State.PENDING, 6)
    first = lab.page(State.PENDING, limit=2)
    second = lab.page(State.PENDING, limit=2, after=first.next)
    back = lab.page(State.PENDING, limit=2, before=second.previous)
    assert refs(lab.page(State.PENDING, limit=2, after=back.next)) == refs(second)


def test_the_first_page_read_backwards_has_no_previous(lab: Lab):
    fill(lab, State.PENDING, 4)
    second = lab.page(State.PENDING, limit=2, after=lab.page(State.PENDING, limit=2).next)
    assert lab.page(State.PENDING, limit=2, before=second.previous).previous is None


def test_a_page_before_a_place_ends_just_before_it(lab: Lab):
    expected = fill(lab, State.COMPLETED, 7)
    seventh = lab.page(State.COMPLETED).jobs[-1]
    assert refs(lab.page(State.COMPLETED, limit=3, before=place_of(seventh))) == expected[3:6]


@pytest.mark.parametrize("state", [State.PENDING, State.DEAD])
def test_a_cursor_keeps_its_place_when_its_job_has_gone(lab: Lab, state: State):
    expected = fill(lab, state, 4)
    first = lab.page(state, limit=2)
    lab.act(Verb.CANCEL, expected[1])
    assert refs(lab.page(state, limit=2, after=first.next)) == expected[2:]


def test_jobs_that_come_while_a_reader_turns_pages_do_not_shift_them(lab: Lab):
    expected = fill(lab, State.DEAD, 4)
    first = lab.page(State.DEAD, limit=2)
    fill(lab, State.DEAD, 3)
    assert refs(lab.page(State.DEAD, limit=2, after=first.next)) == expected[2:]


def test_a_cursor_beyond_the_end_gives_an_empty_page(lab: Lab):
    fill(lab, State.PENDING, 2)
    last = lab.page(State.PENDING).jobs[-1]
    page = lab.page(State.PENDING, after=place_of(last))
    assert (list(page.jobs), page.next) == ([], None)


def test_pages_cut_between_jobs_of_one_score_in_different_queues(lab: Lab):
    expected = crowd(lab, State.PENDING, 2)
    rows = lab.page(State.PENDING).jobs
    for cut, row in enumerate(rows, start=1):
        assert refs(lab.page(State.PENDING, after=place_of(row))) == expected[cut:]
        assert refs(lab.page(State.PENDING, before=place_of(row))) == expected[: cut - 1]


# By queue


def test_a_page_of_one_queue_holds_its_jobs_only(lab: Lab):
    crowd(lab, State.PENDING, 2)
    page = lab.page(State.PENDING, queues=("b",))
    assert [ref.queue for ref in refs(page)] == ["b", "b"]


def test_a_page_of_two_queues_merges_them(lab: Lab):
    expected = [ref for ref in crowd(lab, State.DEAD, 3) if ref.queue != "b"]
    assert lab.refs(State.DEAD, queues=("a", "c"), limit=4) == expected


def test_a_page_of_a_queue_that_is_not_there_is_empty(lab: Lab):
    lab.enqueue()
    assert refs(lab.page(State.PENDING, queues=("nobody",))) == []


def test_a_cursor_from_a_page_of_all_queues_serves_one_queue(lab: Lab):
    crowd(lab, State.PENDING, 2)
    first = lab.page(State.PENDING, limit=3)
    page = lab.page(State.PENDING, queues=("b",), after=first.next)
    assert refs(page) == lab.refs(State.PENDING, queues=("b",))[1:]


# By task


def tasks(lab: Lab, *names: str, state: State = State.PENDING) -> list[JobRef]:
    made = []
    for name in names:
        made.append(lab.arrive(state, task=name))
        lab.clock.move(1)
    return made


def test_a_task_filters_by_its_whole_name(lab: Lab):
    wanted = tasks(lab, "shop.send", "shop.send2", "shop.sen", "Shop.send", "shop_send")[:1]
    assert refs(lab.page(State.PENDING, task="shop.send")) == wanted


def test_a_prefix_filters_by_how_a_name_begins(lab: Lab):
    made = tasks(lab, "shop.send", "shop.bill", "shopping.list", "bill.shop.")
    assert refs(lab.page(State.PENDING, task="shop.*")) == made[:2]


def test_a_star_alone_is_every_task(lab: Lab):
    made = tasks(lab, "a", "b")
    assert refs(lab.page(State.PENDING, task="*")) == made


@pytest.mark.parametrize("pattern", ["shop%*", "shop_*", "sh?p*", "[s]hop*"])
def test_signs_that_mean_something_to_databases_mean_themselves(lab: Lab, pattern: str):
    tasks(lab, "shop.send", "shopXsend")
    assert refs(lab.page(State.PENDING, task=pattern)) == []


@pytest.mark.parametrize("state", [State.PENDING, State.DEAD])
def test_walking_over_filtered_pages_meets_all_that_match_both_ways(lab: Lab, state: State):
    made = tasks(lab, *(("x.a", "x.b")[n % 3 == 0] for n in range(12)), state=state)
    every = made[::-1] if state in FINAL else made
    wanted = [ref for ref in every if lab.read(ref).task == "x.a"]
    assert lab.refs(state, task="x.a", limit=3) == wanted
    last = lab.page(state, limit=12).jobs[-1]
    walked, before = ([last.ref] if last.task == "x.a" else []), place_of(last)
    while before is not None:
        page = lab.page(state, task="x.a", before=before, limit=3)
        walked, before = [*refs(page), *walked], page.previous
    assert walked == wanted


def test_a_filter_looks_at_no_more_jobs_than_its_bound_and_says_so(lab: Lab):
    tasks(lab, *["x.a"] * 10, "x.b")
    page = lab.page(State.PENDING, task="x.b", scan_limit=4)
    assert (list(page.jobs), page.scanned, page.exhausted) == ([], 4, False)


def test_a_search_goes_on_where_it_stopped(lab: Lab):
    *_, wanted = tasks(lab, *["x.a"] * 10, "x.b")
    assert lab.refs(State.PENDING, task="x.b", scan_limit=4) == [wanted]


def test_a_search_that_reached_the_end_is_exhausted(lab: Lab):
    tasks(lab, *["x.a"] * 3)
    page = lab.page(State.PENDING, task="x.b")
    assert (page.scanned, page.next, page.exhausted) == (3, None, True)


def test_a_search_looks_into_the_queues_it_was_given(lab: Lab):
    lab.enqueue(queue="a", task="x.a")
    wanted = lab.enqueue(queue="b", task="x.a")
    assert refs(lab.page(State.PENDING, queues=("b",), task="x.a")) == [wanted]


# At a glance


def test_a_page_from_another_connection_is_the_same(lab: Lab, meet):
    crowd(lab, State.FAILED, 2)
    assert Lab(meet(), lab.clock).page(State.FAILED) == lab.page(State.FAILED)


def test_hundreds_of_jobs_are_walked_in_pages_of_fifty(lab: Lab):
    jobs = [lab.job(queue="ab"[n % 2]) for n in range(430)]
    lab.store.enqueue(jobs)
    assert lab.refs(State.PENDING, limit=50) == sorted(job.ref for job in jobs)


@covers("page", State.FAILED)
def test_a_job_that_failed_again_moves_to_the_end_of_the_waiting(lab: Lab):
    first = lab.start()
    lab.exchange(end(first, State.FAILED, delay_ms=10))
    second = lab.start()
    lab.exchange(end(second, State.FAILED, delay_ms=HOUR_MS))
    lab.clock.move(10)
    lab.finish(lab.claim_one(), State.FAILED, delay_ms=2 * HOUR_MS)
    assert lab.refs(State.FAILED) == [second.ref, first.ref]
