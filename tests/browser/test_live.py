"""Numbers that move by themselves, and that hold still while somebody is busy with them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from core.app import Jobs

from . import shop
from .waiting import until_state

pytestmark = [pytest.mark.serial]
OpenPage = Callable[..., Page]


def test_a_counter_changes_without_a_reload(open_page: OpenPage, store: Jobs) -> None:
    page = open_page("/")
    page.evaluate("window.isTheSamePage = true")
    counter = page.locator("#count-pending")
    before = int(counter.inner_text().replace(",", ""))
    made = [shop.archive.enqueue(order=number).id for number in range(3)]
    expect(counter).to_have_text(f"{before + 3:,}")
    for each in made:
        store.cancel(each)
    expect(counter).to_have_text(f"{before:,}")
    assert page.evaluate("window.isTheSamePage")


def test_a_running_job_is_followed_to_its_end(open_page: OpenPage, store: Jobs) -> None:
    made = shop.carry.enqueue(seconds=2.5).id
    until_state(store, made, "running")
    page = open_page(f"/jobs/{made}/")
    badge = page.locator(".page-head .badge")
    expect(badge).to_contain_text("Running")
    expect(badge).to_contain_text("Completed")


def test_an_unchanged_part_is_answered_with_204(open_page: OpenPage, store: Jobs) -> None:
    page = open_page("/schedules/")
    with page.expect_response(lambda answer: answer.request.headers.get("hx-request") == "true") as caught:
        page.evaluate("document.dispatchEvent(new CustomEvent('live:now'))")
    assert caught.value.status == 204


def test_ticks_stop_while_jobs_are_selected_and_say_why(open_page: OpenPage, store: Jobs) -> None:
    made = shop.archive.enqueue(order=30).id
    page = open_page("/jobs/?state=pending&queue=cold")
    page.locator("#live-rate").select_option("1")
    page.locator(".pick").first.check()
    expect(page.locator(".live-word")).to_have_text("Paused: 1 selected")
    page.locator(".pick").first.uncheck()
    expect(page.locator(".live-word")).to_have_text("Live")
    page.locator("#live-rate").select_option("0")
    expect(page.locator(".live-word")).to_have_text("Live off")
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press(".")
    expect(page.locator(".live-word")).to_have_text("Live")
    store.cancel(made)


def test_new_rows_wait_while_the_cursor_is_on_the_list(open_page: OpenPage, store: Jobs) -> None:
    made = [shop.archive.enqueue(order=40).id]
    page = open_page("/jobs/?state=pending&queue=cold")
    page.locator("#live-rate").select_option("1")
    page.locator("tr[data-row]").first.hover()
    made += [shop.archive.enqueue(order=number).id for number in (41, 42)]
    expect(page.locator("#held")).to_have_text("2 new, show")
    expect(page.locator(f'tr[data-row] a[href*="{made[1]}"]')).to_have_count(0)
    page.locator("#held").click()
    expect(page.locator(f'tr[data-row] a[href*="{made[1]}"]')).to_have_count(1)
    expect(page.locator("#held")).to_be_hidden()
    page.locator("tr[data-row]").first.hover()
    store.cancel(made[0])
    expect(page.locator("#held")).to_have_text("Changed, show")
    expect(page.locator("tr.is-changed")).to_have_count(1)
    page.mouse.move(0, 0)
    expect(page.locator(f'tr[data-row] a[href*="{made[0]}"]')).to_have_count(0)
    for each in made:
        store.cancel(each)


def test_keys_lead_from_page_to_page_and_from_row_to_row(open_page: OpenPage, store: Jobs) -> None:
    made = shop.archive.enqueue(order=31).id
    page = open_page("/")
    page.keyboard.press("g")
    page.keyboard.press("q")
    page.wait_for_url("**/queues/")
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type(made)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/jobs/{made}/")

    page.goto("/jobs/?state=pending&queue=cold")
    page.keyboard.press("j")
    expect(page.locator("tr[data-row]").first).to_be_focused()
    page.keyboard.press("x")
    expect(page.locator(".pick").first).to_be_checked()
    store.cancel(made)


def test_an_ended_session_shows_a_banner_and_keeps_the_page(open_page: OpenPage) -> None:
    page = open_page("/queues/", expects={401})
    page.context.clear_cookies()
    banner = page.locator("#session-banner")
    expect(banner).to_be_visible()
    expect(banner.get_by_role("link", name="Sign in")).to_be_visible()
    expect(page.get_by_label("Password")).to_have_count(0)


def test_lost_updates_are_told_and_found_again(open_page: OpenPage) -> None:
    page = open_page("/queues/", expects={503})
    page.route("**/queues/", lambda route: route.fulfill(status=503, body="gone"))
    expect(page.locator("#lost-banner")).to_contain_text("Live updates lost, retrying")
    expect(page.locator("body")).to_have_class("stale-data")
    page.unroute("**/queues/")
    expect(page.locator("#lost-banner")).to_be_hidden(timeout=15_000)
    expect(page.locator(".live-word")).to_have_text("Live")


def test_the_theme_is_remembered_without_a_flash(open_page: OpenPage) -> None:
    page = open_page("/")
    page.locator(".menu summary").click()
    with page.expect_response("**/display/"):
        page.get_by_role("radio", name="Dark").check()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_viewer_finds_nothing_to_press(open_page: OpenPage, store: Jobs) -> None:
    made = shop.archive.enqueue(order=32).id
    page = open_page(f"/jobs/{made}/", who="viewer")
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    expect(page.locator("h1")).to_have_text("shop.archive")
    store.cancel(made)
