"""Every page in both themes, wide and narrow: no violation that axe can find, nothing wider than the window."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from core.app import Jobs

from . import shop
from .waiting import until_state

pytestmark = [pytest.mark.serial]
OpenPage = Callable[..., Page]

PAGES = [
    "/",
    "/jobs/?state=pending",
    "/jobs/?state=failed",
    "/jobs/?state=dead",
    "/jobs/?state=completed",
    "/jobs/?state=held",
    "/jobs/?task=two%20words",
    "/jobs/?task=nothing.like.it",
    "/queues/",
    "/queues/parcels/",
    "/queues/cold/",
    "/schedules/",
    "/workers/",
    "/audit/",
    "/jobs/default~00000000000000000000000/",
]


@pytest.fixture(scope="module")
def examples(store: Jobs) -> list[str]:
    """The page of a job of each kind."""
    failed, done = shop.label.enqueue(order=5).id, shop.pack.enqueue(order=6, customer="Linus").id
    gone, waits = shop.charge.enqueue(order=7, card_number="1").id, shop.archive.enqueue(order=8).id
    until_state(store, failed, "failed")
    until_state(store, done, "completed")
    until_state(store, gone, "dead")
    return [f"/jobs/{made}/" for made in (failed, done, gone, waits)]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 360])
def test_every_page_is_accessible_and_fits(theme: str, width: int, open_page: OpenPage, examples: list[str]) -> None:
    page = open_page("/", theme=theme, width=width, expects={400, 404})
    problems = []
    for path in [*PAGES, *examples]:
        page.goto(path)
        problems += [f"{path}: {found}" for found in _violations(page)]
        spread = page.evaluate("document.documentElement.scrollWidth")
        if spread > width:
            problems.append(f"{path}: {spread} px wide in a window of {width}")
    assert problems == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_opens_over_a_page_is_accessible(theme: str, open_page: OpenPage, examples: list[str]) -> None:
    page = open_page("/queues/", theme=theme)
    page.locator(".menu summary").click()
    assert _violations(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert _violations(page) == []
    page.goto("/jobs/?state=pending&queue=cold")
    page.locator(".pick").first.check()
    page.get_by_role("button", name="Cancel selected").click()
    page.locator("#dialog[open]").wait_for()
    assert _violations(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_signing_in_is_accessible(theme: str, open_page: OpenPage) -> None:
    page = open_page("/", theme=theme)
    page.context.clear_cookies()
    page.goto("/login/")
    assert _violations(page) == []
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").wait_for()
    assert _violations(page) == []


def _violations(page: Page) -> list[str]:
    found = Axe().run(
        page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    )
    return [
        f"{each['id']} at {node['target']}: {node['failureSummary']}"
        for each in found.response["violations"]
        for node in each["nodes"][:3]
    ]
