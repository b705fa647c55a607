"""The bridge: transactions hold back jobs, attempts leave no connection behind, a store that is away is not stormed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import request_started
from django.db import connection, connections, transaction
from django.test import override_settings
from django.utils import timezone, translation
from structlog.contextvars import get_contextvars

from core.app import Jobs
from core.backends.memory.backend import MemoryBackend
from core.model.cron import Daily
from core.model.job import Claim
from core.tasks import binding
from core.tasks.declare import schedule
from core.tasks.registry import Registry
from jobs_dashboard.bridge import wiring
from jobs_dashboard.bridge.attempts import around_attempt
from jobs_dashboard.bridge.configuration import configuration, default_url, shown_url
from jobs_dashboard.bridge.discovery import zone_schedules
from jobs_dashboard.bridge.prompt import PromptBackend
from jobs_dashboard.bridge.unit_of_work import Transactions
from jobs_dashboard.bridge.wiring import make_jobs, use

CLAIM = Claim(
    queue="default", raw=bytes(14), token=1, task="add", arguments=b"", options=b"", priority=0, max_attempts=4,
    attempts=2, forgiven=0, losses=0, enqueued_ms=0, ready_ms=0, claimed_ms=0,
)  # fmt: skip


@pytest.fixture
def waiting(registry: Registry) -> Iterator[Jobs]:
    """A Jobs whose enqueue waits for Django's transactions."""
    with use(Jobs(backend=MemoryBackend(), registry=registry, unit_of_work=Transactions())) as held:
        yield held


@pytest.mark.django_db(transaction=True)
def test_a_job_is_stored_when_its_transaction_commits(waiting: Jobs) -> None:
    with transaction.atomic():
        job = waiting.enqueue("add", a=1)
        assert (job.created, job.get()) == (None, None)

    assert waiting.get(job.id).state == "pending"


@pytest.mark.django_db(transaction=True)
def test_a_job_is_never_stored_when_its_transaction_rolls_back(waiting: Jobs) -> None:
    with transaction.atomic():
        waiting.enqueue("add", a=1)
        transaction.set_rollback(True)

    assert waiting.stats() == []


@pytest.mark.django_db(transaction=True)
def test_a_job_of_a_savepoint_goes_with_it(waiting: Jobs) -> None:
    with transaction.atomic():
        kept = waiting.enqueue("add", a=1)
        with transaction.atomic():
            lost = waiting.enqueue("add", a=2)
            transaction.set_rollback(True)

    assert (waiting.get(kept.id) is not None, waiting.get(lost.id)) == (True, None)


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_a_job_is_stored_at_once(waiting: Jobs) -> None:
    assert waiting.enqueue("add", a=1).created is True


@pytest.mark.django_db(transaction=True)
def test_an_attempt_runs_in_the_projects_zone_and_language_with_its_job_in_the_log() -> None:
    with timezone.override("Asia/Tokyo"), translation.override("de"):
        with around_attempt(CLAIM):
            assert (timezone.get_current_timezone_name(), translation.get_language()) == ("UTC", "en-us")
            assert get_contextvars() == {"job": str(CLAIM.ref), "task": "add", "attempt": 2}
        assert timezone.get_current_timezone_name() == "Asia/Tokyo"
    assert get_contextvars() == {}


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_a_stopped_handler_left_open_is_dropped() -> None:
    left = connections["default"]
    with around_attempt(CLAIM):
        transaction.atomic().__enter__()
        assert connection.in_atomic_block
    if left.vendor == "sqlite":
        left.connection.rollback()  # Django does not close a database in memory

    assert not connections["default"].in_atomic_block
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@pytest.mark.django_db
def test_a_callers_transaction_is_left_alone() -> None:
    with around_attempt(CLAIM):
        pass

    assert connection.in_atomic_block


def test_a_forked_child_makes_its_own(registry: Registry) -> None:
    maker = wiring._Maker()
    with _bound(Jobs(backend=MemoryBackend(), registry=registry)) as held:
        maker.held = held
        maker.start_anew()

        assert maker.held is None
        assert binding._bound is not held


def test_a_process_that_serves_requests_asks_its_store_promptly(tmp_path: Path) -> None:
    maker = wiring._Maker()
    with override_settings(JOBS={"BACKEND_URL": f"sqlite:///{tmp_path / 'jobs.sqlite3'}"}):
        command = maker.make()
        maker.serve_web(signal=request_started, sender=None)
        web = maker.make()

    assert (type(command.backend) is PromptBackend, type(web.backend) is PromptBackend) == (False, True)
    assert web.stats() == []
    command.close()
    web.close()


@override_settings(JOBS={"BACKEND_URL": "memory://"})
def test_memory_is_refused_because_web_and_workers_are_several_processes() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"Jobs\.start\(\)"):
        make_jobs()


@override_settings(JOBS={"WORKER_COUNT": 9, "max_retries": 5})
def test_settings_count_and_the_environment_goes_before_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_MAX_RETRIES", "7")

    config = configuration(worker_count=11)

    assert (config.worker_count, config.max_retries) == (11, 7)
    assert configuration().sources["worker_count"] == "setting"


@pytest.mark.parametrize("wrong", [{"COLOUR": "red"}, {"WORKER_COUNT": 0}, ["redis://"]])
def test_a_wrong_setting_is_a_sentence(wrong: object) -> None:
    with override_settings(JOBS=wrong), pytest.raises(ImproperlyConfigured) as told:
        configuration()

    assert "\n" not in str(told.value)


def test_the_default_store_is_a_file_of_the_project_by_its_whole_path() -> None:
    with override_settings(VAR_DIR="/srv/a b/var"):
        assert default_url() == "sqlite:////srv/a%20b/var/jobs.sqlite3"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:s3cret@h:1/0", "redis://:…@h:1/0"),
        ("redis://u:s3cret@h", "redis://u:…@h"),
        ("sqlite:///x", "sqlite:///x"),
    ],
)
def test_a_shown_url_has_no_password(url: str, shown: str) -> None:
    assert shown_url(url) == shown


def test_schedules_without_a_zone_go_by_the_projects(registry: Registry) -> None:
    schedule(Daily(2, 0), key="bare", arguments={"a": 1}, registry=registry)(registry.find("add"))
    schedule(Daily(2, 0), key="own", timezone="Asia/Tokyo", arguments={"a": 1}, registry=registry)(registry.find("add"))

    zone_schedules(registry, "Europe/Berlin")

    assert {each.key: each.timezone for each in registry.schedules()} == {"bare": "Europe/Berlin", "own": "Asia/Tokyo"}


@contextmanager
def _bound(jobs: Jobs) -> Iterator[Jobs]:
    before = binding._bound
    binding.bind(jobs)
    try:
        yield jobs
    finally:
        binding.unbind(jobs)
        if before is not None:
            binding.bind(before)
