"""A real dashboard with real workers, a real Chromium, and a watch over everything the browser complains about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, StorageState, sync_playwright

from core.app import Jobs
from core.tasks.registry import registry
from jobs_dashboard.bridge.wiring import use
from tools.instance import PASSWORD, Instance

from . import shop

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SERVED = "parcels,billing,default"
WAIT_MS = 15_000


@dataclass
class Watch:
    """What must stay empty: complaints on the console, errors in scripts, requests that leave the host.

    expected: statuses that a test asks for on purpose; Chromium notes each on the console.
    """

    host: str
    expected: set[int] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    def over(self, page: Page) -> None:
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(f"script error: {error}"))
        page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not self._is_expected(message.text):
            self.complaints.append(f"{message.type}: {message.text}")

    def _is_expected(self, text: str) -> bool:
        return any(
            f"status of {status}" in text or f"Response Status Error Code {status}" in text for status in self.expected
        )

    def _asked(self, request: Request) -> None:
        asked = urlsplit(request.url)
        if asked.scheme not in ("data", "blob") and asked.netloc != self.host:
            self.complaints.append(f"left the host: {request.url}")


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    folder = tmp_path_factory.mktemp("dashboard")
    with Instance(folder, task_modules="tests.browser.shop", queues=SERVED) as running:
        running.add_person("viewer", "view_jobs")
        yield running


@pytest.fixture(scope="session")
def store(instance: Instance) -> Iterator[Jobs]:
    """The instance's own store, opened beside it: what a click did is asked here, not read off the page."""
    assert registry.find(shop.pack.name)
    with use(Jobs(instance.store_url, registry=registry)) as jobs:
        yield jobs
        jobs.close()


@pytest.fixture(scope="session")
def chromium(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(params=["javascript", "plain"])
def scripts(request: pytest.FixtureRequest) -> bool:
    """Whether the browser runs scripts: each click is tried both ways."""
    return str(request.param) == "javascript"


@pytest.fixture
def bank_is_closed(instance: Instance) -> Path:
    """The mark that lets shop.charge go through; not there at first."""
    mark = instance.folder / "bank-is-open"
    mark.unlink(missing_ok=True)
    return mark


@pytest.fixture(scope="session")
def sessions(instance: Instance, chromium: Browser) -> Callable[[str], StorageState]:
    """Signed in once a person, through the page; later contexts take the cookies along."""

    @cache
    def signed_in(who: str) -> StorageState:
        context = chromium.new_context(base_url=instance.url)
        page = context.new_page()
        page.goto("/queues/")
        page.get_by_label("Name").fill(who)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/queues/")
        state = context.storage_state()
        context.close()
        return state

    return signed_in


@pytest.fixture
def open_page(
    instance: Instance, chromium: Browser, sessions: Callable[[str], StorageState]
) -> Iterator[Callable[..., Page]]:
    """Open a page, signed in; at the end nothing may have been complained about."""
    watch = Watch(urlsplit(instance.url).netloc)
    contexts: list[BrowserContext] = []

    def opened(
        path: str = "/",
        *,
        scripts: bool = True,
        who: str = "admin",
        theme: Literal["light", "dark"] = "light",
        width: int = 1440,
        expects: set[int] = frozenset(),
    ) -> Page:
        context = chromium.new_context(
            base_url=instance.url,
            java_script_enabled=scripts,
            color_scheme=theme,
            viewport={"width": width, "height": 900},
            storage_state=sessions(who),
        )
        context.set_default_timeout(WAIT_MS)
        contexts.append(context)
        watch.expected |= expects
        page = context.new_page()
        watch.over(page)
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert watch.complaints == []
