"""At home anywhere: under a prefix, under SCRIPT_NAME, with nothing from other hosts, and small."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import django_htmx
import pytest
from django.test import Client
from django.urls import clear_script_prefix, include, path, set_script_prefix

from jobs_dashboard.views.headers import CONTENT_POLICY

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[3]
ASSETS = ROOT / "static" / "jobs_dashboard"
HTMX = Path(django_htmx.__file__).parent / "static" / "django_htmx" / "htmx-2.min.js"
MOST_BYTES = 60 * 1024
PAGES = ("", "jobs/?state=failed", "queues/", "queues/default/", "schedules/", "workers/", "audit/", "queues/nowhere/")
_ADDRESSES = re.compile(r'(?:href|action|formaction|hx-get|hx-post)="([^"#?]*)')


@pytest.fixture
def under_a_prefix(settings: Any) -> None:
    site = ModuleType("site")
    site.urlpatterns = [path("ops/jobs/", include("jobs_dashboard.urls"))]
    settings.ROOT_URLCONF = site


@pytest.mark.parametrize("page", PAGES)
def test_every_link_stays_under_the_prefix(
    page: str, under_a_prefix: None, operator: Client, job_in: Callable[..., str]
) -> None:
    job_in("failed")
    found = _ADDRESSES.findall(operator.get(f"/ops/jobs/{page}").content.decode())
    assert [each for each in found if each and not each.startswith(("/ops/jobs/", "/static/"))] == []


def test_every_link_stays_under_script_name(operator: Client, job_in: Callable[..., str]) -> None:
    job_in("failed")
    set_script_prefix("/behind/")
    try:
        page = operator.get("/jobs/?state=failed", SCRIPT_NAME="/behind").content.decode()
    finally:
        clear_script_prefix()
    found = [each for each in _ADDRESSES.findall(page) if each and "/static/" not in each]
    assert [each for each in found if not each.startswith("/behind/")] == []


def test_an_address_that_is_none_is_told_in_this_dashboards_look(db: None) -> None:
    answer = Client().get("/no/such/page")
    assert answer.status_code == 404
    assert "There is nothing at this address" in answer.content.decode()
    assert answer["Content-Security-Policy"] == CONTENT_POLICY


def test_styles_and_scripts_are_small() -> None:
    files = [*ASSETS.rglob("*.css"), *ASSETS.rglob("*.js"), HTMX]
    assert sum(len(gzip.compress(each.read_bytes())) for each in files) < MOST_BYTES


def test_styles_and_scripts_name_no_other_host_and_build_no_code() -> None:
    own = [*ASSETS.glob("css/*.css"), *ASSETS.glob("js/*.js")]
    assert own
    for each in own:
        text = each.read_text()
        assert not re.search(r"https?://|@import|eval\(|new Function|innerHTML", text), each.name


def test_what_was_taken_from_others_stands_in_the_table_with_its_version() -> None:
    told = (ROOT / "docs" / "dashboard.md").read_text()
    for each in ASSETS.glob("vendor/*.js"):
        assert f"vendor/{each.name}" in told
    version = re.search(r'version:"([\d.]+)"', HTMX.read_text())
    assert version is not None
    assert f"htmx {version[1]} " in told
