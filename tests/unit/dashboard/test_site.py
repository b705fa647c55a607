"""What stands around the pages: static files under hashed names, rows to read only, logs on one line."""

from __future__ import annotations

import json
import logging
import logging.config

import pytest
import structlog
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.templatetags.static import static
from django.test import Client, RequestFactory, override_settings

from jobs_dashboard import models
from jobs_dashboard.client_address import client_address
from jobs_dashboard.log_format import harmless, logging_settings


def test_static_files_are_served_under_hashed_names_for_ever() -> None:
    url = static("admin/css/base.css")

    assert url != "/static/admin/css/base.css"
    response = Client().get(url)
    assert response.status_code == 200
    assert "immutable" in response["Cache-Control"]
    assert Client().get("/static/admin/css/base.css")["Cache-Control"] == "max-age=300, public"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/login/", "/livez", "/nowhere", "/admin/", "/admin/login/", "/api/v1/stats"])
def test_every_answer_has_a_policy_and_is_not_stored(path: str) -> None:
    response = Client().get(path)

    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]
    assert "unsafe" not in response["Content-Security-Policy"]
    assert "no-store" in response["Cache-Control"]
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/static/admin/css/base.css", "/static/jobs_dashboard/icon.svg"])
def test_a_static_file_has_a_policy_too_and_may_be_kept(path: str) -> None:
    response = Client().get(path)

    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]
    assert response["Cache-Control"] == "max-age=300, public"


@override_settings(SECURE_SSL_REDIRECT=True)
def test_the_way_to_https_has_a_policy_and_is_not_stored() -> None:
    response = Client().get("/login/")

    assert response.status_code == 301
    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]
    assert response["Cache-Control"] == "no-store"


def test_a_static_file_that_is_not_there_keeps_its_name() -> None:
    assert static("no/such.css") == "/static/no/such.css"


@pytest.mark.django_db
def test_rows_can_be_read_in_the_admin_and_not_changed() -> None:
    root = User.objects.create_superuser("root", password="a long enough password")
    client = Client()
    client.force_login(root)
    for model in (models.JobRecord, models.OperatorAction, models.ApiToken, models.ScheduleRecord):
        name = model._meta.model_name
        assert client.get(f"/admin/jobs_dashboard/{name}/").status_code == 200
        assert client.get(f"/admin/jobs_dashboard/{name}/add/").status_code == 403
        request = RequestFactory().get("/")
        request.user = root
        held = admin.site.get_model_admin(model)
        assert not held.has_change_permission(request)
        assert not held.has_delete_permission(request)


@pytest.mark.django_db
def test_five_wrong_passwords_close_the_door_for_that_name_and_address() -> None:
    User.objects.create_user("vera", password="a long enough password")
    client = Client()

    for _ in range(5):
        client.post("/login/", {"username": "vera", "password": "wrong"})

    response = client.post("/login/", {"username": "vera", "password": "a long enough password"})
    assert response.status_code == 429
    assert "_auth_user_id" not in client.session
    elsewhere = Client(REMOTE_ADDR="10.0.0.9")
    elsewhere.post("/login/", {"username": "vera", "password": "a long enough password"})
    assert "_auth_user_id" in elsewhere.session


def test_an_address_told_by_a_client_is_believed_behind_a_proxy_only() -> None:
    request = RequestFactory().get("/", headers={"x-forwarded-for": "1.1.1.1, 2.2.2.2"}, REMOTE_ADDR="9.9.9.9")

    with override_settings(BEHIND_PROXY=False):
        assert client_address(request) == "9.9.9.9"
    with override_settings(BEHIND_PROXY=True):
        assert client_address(request) == "2.2.2.2"


def test_a_log_line_stays_one_line() -> None:
    assert harmless("a\nb\x1b[31m\u202e") == "a\\nb\\x1b[31m\\u202e"


@pytest.mark.parametrize("format", ["json", "console"])
def test_logs_of_structlog_and_of_the_standard_library_have_one_form(
    format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    try:
        logging.config.dictConfig(logging_settings(format=format, level="INFO"))
        structlog.get_logger("jobs.test").info("job dead", job="default~1\nforged")
        added = {"request": RequestFactory().get("/x"), "status_code": 404, "server_time": "22/Nov/2026 07:58:52"}
        logging.getLogger("django.request").warning("Not Found: %s", "/x\ny", extra=added)
        lines = capsys.readouterr().err.splitlines()
    finally:
        root.handlers[:], root.level = before[0], before[1]

    assert len(lines) == 2
    assert "404" in lines[1]
    assert "WSGIRequest" not in lines[1]
    assert "server_time" not in lines[1]
    if format == "json":
        assert [json.loads(line)["event"] for line in lines] == ["job dead", "Not Found: /x\\ny"]


@pytest.mark.parametrize("format", ["json", "console"])
def test_secrets_stay_out_of_the_log(format: str, capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    try:
        logging.config.dictConfig(logging_settings(format=format, level="INFO"))
        structlog.get_logger("shop").info("sign-in", password="hunter2 and more", task="shop.add")
        logging.getLogger("shop").warning("GET %s", "/x?access_token=hunter2")
        try:
            raise ConnectionError("cannot reach redis://:hunter2@cache/0")
        except ConnectionError:
            logging.getLogger("shop").exception("no store")
        told = capsys.readouterr().err
    finally:
        root.handlers[:], root.level = before[0], before[1]

    assert "hunter2" not in told
    assert "redis://:***@cache/0" in told
    assert "shop.add" in told
    if format == "json":
        assert len([json.loads(line) for line in told.splitlines()]) == 3


@pytest.mark.django_db
def test_the_project_passes_its_checks() -> None:
    assert run_checks() == []
