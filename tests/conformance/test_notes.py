"""What a running handler leaves with its job, and what the store counts of crashes."""

import pytest

from core.backends.contract import Note
from core.model.job import Claim
from core.model.outcome import Charge
from core.model.states import State, Verb

from .lab import Lab, keys
from .matrix import covers, each_state


def note(lab: Lab, claim: Claim, **fields: bytes) -> list[bytes]:
    """Keep one note of an attempt; answers what the store says is no longer its own."""
    return list(lab.store.note(claim.queue, [Note(claim.raw, claim.token, **fields)]))


def noted(lab: Lab, claim: Claim) -> tuple[bytes | None, bytes, bytes]:
    job = lab.read(claim.ref)
    return job.progress, job.checkpoint, job.log


@covers("note", State.RUNNING)
def test_a_note_is_kept_with_the_job(lab: Lab):
    claim = lab.start()
    assert noted(lab, claim) == (None, b"", b"")
    assert note(lab, claim, progress=b"\x01", checkpoint=b"\x02", log=b"one\n") == []
    assert noted(lab, claim) == (b"\x01", b"\x02", b"one\n")


def test_what_a_note_leaves_out_stays_and_the_rest_takes_its_place(lab: Lab):
    claim = lab.start()
    note(lab, claim, progress=b"\x01", log=b"one\n")
    note(lab, claim, checkpoint=b"\x02")
    note(lab, claim, progress=b"\x03", log=b"one\ntwo\n")
    assert noted(lab, claim) == (b"\x03", b"\x02", b"one\ntwo\n")


def test_bytes_are_kept_as_they_are(lab: Lab):
    claim = lab.start()
    every = bytes(range(256))
    note(lab, claim, progress=every, checkpoint=every * 256, log=every[::-1] * 256)
    assert noted(lab, claim) == (every, every * 256, every[::-1] * 256)


@each_state("note")
def test_a_note_under_an_old_token_is_refused_and_changes_nothing(lab: Lab, state: State):
    claim = lab.outlived(state)
    before = lab.read(claim.ref)
    assert note(lab, claim, progress=b"\x01") == [claim.raw]
    assert lab.read(claim.ref) == before


def test_of_many_notes_only_those_of_others_are_refused(lab: Lab):
    lost = lab.outlived(State.COMPLETED)
    kept = [lab.start() for _ in range(3)]
    notes = [Note(claim.raw, claim.token, progress=claim.raw) for claim in (kept[0], lost, *kept[1:])]
    assert list(lab.store.note("mail", notes)) == [lost.raw]
    assert [lab.read(claim.ref).progress for claim in kept] == [claim.raw for claim in kept]


def test_no_notes_and_notes_for_an_unknown_queue(lab: Lab):
    assert list(lab.store.note("mail", [])) == []
    raw = lab.raw()
    assert list(lab.store.note("nowhere", [Note(raw, 1, log=b"x")])) == [raw]


def test_a_note_keeps_the_claim_as_it_is(lab: Lab):
    claim = lab.start()
    before = lab.read(claim.ref)
    note(lab, claim, progress=b"\x01")
    after = lab.read(claim.ref)
    assert (after.token, after.lease_until_ms, after.attempts) == (before.token, before.lease_until_ms, before.attempts)
    assert lab.settle(claim, State.COMPLETED).refused == []


@pytest.mark.parametrize("state", [State.FAILED, State.PENDING, State.DEAD, State.CANCELLED, State.SCHEDULED])
def test_notes_outlive_an_attempt_that_did_not_complete(lab: Lab, state: State):
    claim = lab.start()
    note(lab, claim, progress=b"\x01", checkpoint=b"\x02", log=b"x")
    lab.finish(claim, state, delay_ms=60_000 if state in (State.FAILED, State.SCHEDULED) else 0)
    assert noted(lab, claim) == (b"\x01", b"\x02", b"x")


def test_a_completed_job_keeps_only_its_log(lab: Lab):
    claim = lab.start()
    note(lab, claim, progress=b"\x01", checkpoint=b"\x02", log=b"x")
    lab.finish(claim, State.COMPLETED)
    assert noted(lab, claim) == (None, b"", b"x")


@pytest.mark.parametrize("charge", [Charge.LOST, Charge.RETURNED, Charge.CRASHED])
def test_the_next_claim_is_given_the_checkpoint(lab: Lab, charge: Charge):
    claim = lab.start()
    assert claim.checkpoint == b""
    note(lab, claim, checkpoint=b"\xa2at")
    lab.finish(claim, State.PENDING, charge=charge)
    assert lab.claim_it(claim.ref).checkpoint == b"\xa2at"


def test_a_repeated_call_gives_the_checkpoint_again(lab: Lab):
    claim = lab.start()
    note(lab, claim, checkpoint=b"\x05")
    lab.finish(claim, State.PENDING)
    [first] = lab.claim()
    [again] = lab.exchange(call=lab.last_call(), want=1).claims
    assert (first.checkpoint, again) == (b"\x05", first)


def test_a_claim_given_back_keeps_its_notes(lab: Lab):
    claim = lab.start()
    note(lab, claim, checkpoint=b"\x05", log=b"x")
    assert lab.store.release("mail", keys([claim])) == 1
    assert lab.claim_it(claim.ref).checkpoint == b"\x05"


def test_a_rescued_claim_carries_its_checkpoint_and_crashes(lab: Lab):
    claim = lab.start()
    lab.finish(claim, State.PENDING, charge=Charge.CRASHED)
    claim = lab.claim_it(claim.ref)
    note(lab, claim, checkpoint=b"\x05")
    lab.pass_time(30_001)
    [found] = lab.store.rescue("mail", 10, 30_000).claims
    assert (found.raw, found.checkpoint, found.crashes) == (claim.raw, b"\x05", 1)


@pytest.mark.parametrize("state", [State.DEAD, State.CANCELLED])
def test_an_operators_retry_keeps_all_notes(lab: Lab, state: State):
    claim = lab.start()
    note(lab, claim, progress=b"\x01", checkpoint=b"\x02", log=b"x")
    lab.finish(claim, state)
    assert lab.act(Verb.RETRY, claim.ref).applied
    assert noted(lab, claim) == (b"\x01", b"\x02", b"x")
    assert lab.claim_it(claim.ref).checkpoint == b"\x02"


def test_rows_of_a_page_carry_no_notes(lab: Lab):
    claim = lab.start()
    note(lab, claim, progress=b"\x01", checkpoint=b"\x02", log=b"x")
    [row] = lab.page(State.RUNNING).jobs
    assert (row.progress, row.checkpoint, row.log) == (None, b"", b"")


def test_notes_go_with_their_job(lab: Lab):
    claim = lab.start(unique_key="k")
    note(lab, claim, progress=b"\x01", checkpoint=b"\x02", log=b"x")
    lab.finish(claim, State.DEAD)
    lab.clock.move(1)
    assert lab.store.purge("mail", State.DEAD, lab.now, 10) == 1
    assert lab.enqueue(raw=claim.raw) == claim.ref
    assert noted(lab, claim) == (None, b"", b"")


def test_an_adopted_job_brings_its_notes_and_crashes(lab: Lab, other: Lab):
    claim = lab.start()
    note(lab, claim, progress=b"\x01", checkpoint=b"\x02", log=b"x")
    lab.finish(claim, State.PENDING, charge=Charge.CRASHED)
    stored = lab.read(claim.ref)
    assert other.store.adopt("mail", [stored]) == [True]
    assert other.read(claim.ref) == stored
    again = other.claim_it(claim.ref)
    assert (again.checkpoint, again.crashes, again.is_suspect) == (b"\x02", 1, True)


# Crashes


@covers("settle", State.PENDING)
def test_a_crash_counts_as_a_loss_too_and_not_as_a_try(lab: Lab):
    claim = lab.start()
    lab.finish(claim, State.PENDING, charge=Charge.CRASHED)
    job = lab.read(claim.ref)
    assert (job.attempts, job.forgiven, job.losses, job.crashes, job.tries) == (1, 1, 1, 1, 0)
    again = lab.claim_it(claim.ref)
    assert (again.crashes, again.is_suspect, again.tries) == (1, True, 1)


def test_a_loss_is_no_crash(lab: Lab):
    claim = lab.start()
    lab.finish(claim, State.PENDING, charge=Charge.LOST)
    again = lab.claim_it(claim.ref)
    assert (again.crashes, again.is_suspect) == (0, True)


@pytest.mark.parametrize("state", [State.COMPLETED, State.FAILED, State.DEAD])
def test_who_ended_alone_is_a_suspect_no_more_and_keeps_its_crashes(lab: Lab, state: State):
    claim = lab.start()
    for charge in (Charge.LOST, Charge.CRASHED):
        lab.finish(claim, State.PENDING, charge=charge)
        claim = lab.claim_it(claim.ref)
    lab.finish(claim, state, charge=Charge.CLEARED)
    job = lab.read(claim.ref)
    assert (job.attempts, job.forgiven, job.losses, job.crashes, job.tries) == (3, 2, 0, 1, 1)


def test_an_operators_retry_forgets_the_crashes_and_leaves_one_loss(lab: Lab):
    claim = lab.start()
    for _ in range(3):
        lab.finish(claim, State.PENDING, charge=Charge.CRASHED)
        claim = lab.claim_it(claim.ref)
    lab.finish(claim, State.DEAD, charge=Charge.CRASHED)
    assert lab.act(Verb.RETRY, claim.ref).applied
    again = lab.claim_it(claim.ref)
    assert (again.crashes, again.losses, again.tries) == (0, 1, 1)


def test_a_failed_suspect_that_is_run_now_keeps_its_counts(lab: Lab):
    claim = lab.start()
    lab.finish(claim, State.PENDING, charge=Charge.CRASHED)
    lab.finish(lab.claim_it(claim.ref), State.FAILED, delay_ms=60_000)
    assert lab.act(Verb.RETRY, claim.ref).applied
    again = lab.claim_it(claim.ref)
    assert (again.crashes, again.losses, again.tries) == (1, 1, 2)
