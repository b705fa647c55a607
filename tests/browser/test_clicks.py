"""What an operator does, each with scripts and without, and asked back from the store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.app import Jobs

from . import shop
from .waiting import until, until_state

pytestmark = [pytest.mark.serial]
OpenPage = Callable[..., Page]


def row(page: Page, job_id: str) -> object:
    return page.locator("tr[data-row]").filter(has=page.locator(f'a[href*="{job_id}"]'))


def test_a_dead_job_is_retried_to_completion(
    open_page: OpenPage, store: Jobs, scripts: bool, bank_is_closed: Path
) -> None:
    made = shop.charge.enqueue(order=41, card_number="4111111111111111").id
    until_state(store, made, "dead")
    page = open_page("/jobs/?state=dead", scripts=scripts)
    page.locator(f'a.cell-main[href*="{made}"]').click()
    expect(page.locator("#live")).to_contain_text("the bank says no")
    expect(page.locator("#live")).not_to_contain_text("4111111111111111")

    bank_is_closed.touch()
    page.get_by_role("button", name="Retry").click()
    until_state(store, made, "completed")
    if not scripts:
        page.goto(f"/jobs/{made}/")
    expect(page.locator(".page-head .badge")).to_contain_text("Completed")
    expect(page.locator("#live")).to_contain_text('"charged"')
    assert store.get(made).result == {"order": 41, "charged": True}


def test_a_pending_job_is_cancelled_in_its_row(open_page: OpenPage, store: Jobs, scripts: bool) -> None:
    made = shop.archive.enqueue(order=1).id
    page = open_page("/jobs/?state=pending&queue=cold", scripts=scripts)
    row(page, made).get_by_role("button", name="Cancel").click()
    expect(page.locator("#toasts")).to_contain_text("Cancelled")
    assert store.get(made).state == "cancelled"
    page.locator("#toasts").get_by_role("button", name="Undo").first.click()
    until_state(store, made, "pending")
    store.cancel(made)


def test_a_failed_job_is_cancelled(open_page: OpenPage, store: Jobs, scripts: bool) -> None:
    made = shop.label.enqueue(order=2).id
    until_state(store, made, "failed")
    page = open_page("/jobs/?state=failed", scripts=scripts)
    expect(row(page, made)).to_contain_text("out of paper")
    row(page, made).get_by_role("button", name="Cancel").click()
    expect(page.locator("#toasts")).to_contain_text("Cancelled")
    assert store.get(made).state == "cancelled"


def test_a_queue_is_paused_with_a_reason_and_resumed(open_page: OpenPage, store: Jobs, scripts: bool) -> None:
    shop.pack.enqueue(order=3, customer="Ada")
    page = open_page("/queues/", scripts=scripts)
    line = page.locator("tr#queue-parcels")
    line.locator("summary").click()
    line.get_by_label("Reason").fill("the belt is stuck")
    line.get_by_role("button", name="Pause parcels").click()
    expect(page.locator("tr#queue-parcels")).to_contain_text("the belt is stuck")
    assert counts(store, "parcels").is_paused
    waiting = shop.pack.enqueue(order=4, customer="Grace").id

    page.locator("tr#queue-parcels").get_by_role("button", name="Resume").click()
    expect(page.locator("tr#queue-parcels")).not_to_contain_text("the belt is stuck")
    assert not counts(store, "parcels").is_paused
    until_state(store, waiting, "completed")


def test_a_schedule_is_switched_off_and_on_and_run(open_page: OpenPage, store: Jobs, scripts: bool) -> None:
    page = open_page("/schedules/", scripts=scripts)
    switch = page.get_by_role("switch", name="Schedule stock-taking")
    expect(switch).to_be_checked()
    switch.click()
    expect(page.get_by_role("switch", name="Schedule stock-taking")).not_to_be_checked()
    assert not store.control.schedule("stock-taking").enabled
    page.get_by_role("switch", name="Schedule stock-taking").click()
    expect(page.get_by_role("switch", name="Schedule stock-taking")).to_be_checked()
    assert store.control.schedule("stock-taking").enabled

    before = counts(store, "parcels").processed
    page.get_by_role("button", name="Run now: stock-taking").click()
    expect(page.locator("#toasts")).to_contain_text("runs now")
    until(lambda: counts(store, "parcels").processed > before, "the schedule's job has run")


def test_several_are_cancelled_after_a_question(open_page: OpenPage, store: Jobs, scripts: bool) -> None:
    made = [shop.archive.enqueue(order=number).id for number in range(10, 13)]
    page = open_page("/jobs/?state=pending&queue=cold", scripts=scripts)
    for each in made:
        row(page, each).get_by_role("checkbox").check()
    if scripts:
        expect(page.locator("#picked-count")).to_have_text("3 selected")
    page.get_by_role("button", name="Cancel selected").click()
    assert all(store.get(each).state == "pending" for each in made)
    page.get_by_role("button", name="Cancel 3 jobs").click()
    expect(page.locator("#toasts")).to_contain_text("Cancelled: 3")
    assert all(store.get(each).state == "cancelled" for each in made)
    for each in made:
        expect(row(page, each)).to_have_count(0)


def test_a_conflict_is_told_with_the_job_as_it_is_now(open_page: OpenPage, store: Jobs) -> None:
    made = shop.archive.enqueue(order=20).id
    page = open_page("/jobs/?state=pending&queue=cold", scripts=False, expects={409})
    store.cancel(made)
    row(page, made).get_by_role("button", name="Cancel").click()
    expect(page.locator("#toasts")).to_contain_text("Not cancelled")
    expect(page.locator(".page-head .badge")).to_contain_text("Cancelled")


def counts(store: Jobs, queue: str) -> object:
    return next(each for each in store.stats() if each.queue == queue)
