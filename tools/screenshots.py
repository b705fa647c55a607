"""Pictures of every page, in both themes, wide and narrow, from live data.

Without options it starts a dashboard of its own on a temporary folder, runs the demo in it, acts a little, and writes
the few pictures that the README shows into docs/screenshots/. `--out FOLDER` writes all of them there. `--url`
pictures a dashboard that runs already.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.dev.servers import CHROMIUM, find, missing_sentence
from tools.instance import PASSWORD, ROOT, Instance

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
THEMES = ("light", "dark")
WIDTHS = (1440, 360)
HEIGHTS = {1440: 900, 360: 740}
FOR_README = {  # without paths of the machine they were taken on
    ("overview", "light", 1440),
    ("overview", "dark", 1440),
    ("job-completed", "dark", 1440),
    ("schedules", "light", 1440),
    ("queue", "dark", 360),
}
RUNS = 3
BETWEEN_RUNS_S = 40.0
_JOB = re.compile(r"^/jobs/[^/]+~[^/]+/$")


@dataclass(frozen=True)
class Place:
    """A page to picture. first: open the first job of that list. press: click this before the picture."""

    name: str
    path: str
    first: bool = False
    press: Sequence[str] = ()


PLACES = (
    Place("overview", "/"),
    Place("jobs-pending", "/jobs/?state=pending"),
    Place("jobs-failed", "/jobs/?state=failed"),
    Place("jobs-dead", "/jobs/?state=dead"),
    Place("jobs-completed", "/jobs/?state=completed"),
    Place("jobs-nothing-found", "/jobs/?state=dead&task=nothing.like.it"),
    Place("jobs-selected", "/jobs/?state=dead", press=(".pick >> nth=0", ".pick >> nth=1")),
    Place(
        "jobs-question", "/jobs/?state=dead", press=(".pick >> nth=0", ".pick >> nth=1", ".selection button >> nth=0")
    ),
    Place("job-dead", "/jobs/?state=dead", first=True),
    Place("job-completed", "/jobs/?state=completed&task=examples.tasks.wake_service", first=True),
    Place("queues", "/queues/"),
    Place("queues-pause", "/queues/", press=("tr#queue-audit summary",)),
    Place("queue", "/queues/audit/"),
    Place("schedules", "/schedules/"),
    Place("workers", "/workers/"),
    Place("audit", "/audit/"),
    Place("display", "/", press=(".menu summary",)),
    Place("not-found", "/queues/nowhere/"),
)


def main() -> int:
    options = _options()
    chromium = find(CHROMIUM)
    if chromium is None:
        print(missing_sentence([CHROMIUM]), file=sys.stderr)
        return 2
    with sync_playwright() as playwright, _dashboard(options) as (url, name, password):
        browser = playwright.chromium.launch(executable_path=str(chromium), args=FLAGS)
        wanted = None if options.out else FOR_README
        folder = Path(options.out or ROOT / "docs" / "screenshots")
        folder.mkdir(parents=True, exist_ok=True)
        for theme in THEMES:
            for width in WIDTHS:
                _picture(browser, url, (name, password), folder, theme, width, wanted)
        browser.close()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", help="a folder for all pictures; without it the few of the README are written")
    parser.add_argument("--url", help="of a dashboard that runs already")
    parser.add_argument("--user", default="admin")
    parser.add_argument("--password", default=os.environ.get("DJANGO_SUPERUSER_PASSWORD", PASSWORD))
    return parser.parse_args()


@contextmanager
def _dashboard(options: argparse.Namespace) -> Iterator[tuple[str, str, str]]:
    """The address and an account of the dashboard to picture."""
    if options.url:
        yield options.url.rstrip("/"), options.user, options.password
        return
    with tempfile.TemporaryDirectory(prefix="dashboard-") as folder:
        demo = {"DEMO_FOLDER": f"{folder}/demo", "DEMO_MODULES": "700"}
        with Instance(Path(folder), environment=demo) as instance:
            _bring_to_life(instance)
            yield instance.url, "admin", PASSWORD


def _bring_to_life(instance: Instance) -> None:
    """Several audits with pauses between, so that the chart has a shape; a switch, a pause, a cancelled job."""
    for run in range(RUNS):
        if run:
            time.sleep(BETWEEN_RUNS_S)
        instance.manage("rundemo")
    time.sleep(BETWEEN_RUNS_S)
    instance.manage("jobs", "pause", "reports", "--reason", "the mail server is being moved")
    instance.manage("rundemo")
    time.sleep(3)


def _picture(
    browser: Browser,
    url: str,
    account: tuple[str, str],
    folder: Path,
    theme: str,
    width: int,
    wanted: set[tuple[str, str, int]] | None,
) -> None:
    context = browser.new_context(
        base_url=url,
        color_scheme="dark" if theme == "dark" else "light",
        viewport={"width": width, "height": HEIGHTS[width]},
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto("/login/")
    if wanted is None:
        _keep(page, folder / f"login-{theme}-{width}.png")
    page.get_by_label("Name").fill(account[0])
    page.get_by_label("Password").fill(account[1])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{url}/")
    for place in PLACES:
        if wanted is None or (place.name, theme, width) in wanted:
            _go(page, place)
            _keep(page, folder / f"{place.name}-{theme}-{width}.png")
    context.close()


def _go(page: Page, place: Place) -> None:
    page.goto(place.path)
    if place.first:
        links = [link.get_attribute("href") or "" for link in page.locator("a.cell-main").all()[:20]]
        page.goto(next((link for link in links if _JOB.match(link)), place.path))
    for selector in place.press:
        if page.locator(selector).count():
            page.locator(selector).click()
            page.wait_for_timeout(300)
    page.mouse.move(0, 0)
    page.wait_for_timeout(200)


def _keep(page: Page, path: Path) -> None:
    page.screenshot(path=str(path))
    print(path)


if __name__ == "__main__":
    sys.exit(main())
