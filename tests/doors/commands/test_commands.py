"""The commands in this process, on a store in memory: what they print, what they end with, what they audit."""

from __future__ import annotations

import io
import json
from typing import Any, NamedTuple

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from core.app import Jobs
from core.errors import StoreUnavailable
from core.model.states import State
from core.model.worker import WorkerInfo, WorkerOrders
from jobs_dashboard.management.commands.jobs import Command as JobsCommand
from jobs_dashboard.models import ApiToken, OperatorAction

pytestmark = pytest.mark.django_db


class Ran(NamedTuple):
    """What a command printed and ended with."""

    out: str
    err: str
    code: int

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def data(self) -> Any:
        return json.loads(self.out)


def run(*words: str) -> Ran:
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(*words, stdout=out, stderr=err)
        code = 0
    except SystemExit as ended:
        code = int(ended.code or 0)
    except CommandError as error:
        err.write(str(error))
        code = error.returncode
    return Ran(out.getvalue(), err.getvalue(), code)


# ------------------------------------------------------------------------------------------------ enqueue


def test_enqueue_prints_the_ids_one_a_line(jobs: Jobs) -> None:
    ran = run("enqueue", "shop.add", "--payload", '{"a": 1}', "--count", "3", "--queue", "slow", "--priority", "-7")

    assert (ran.code, len(ran.lines)) == (0, 3)
    stored = [jobs.get(line) for line in ran.lines]
    assert {(job.queue, job.priority, job.state, job.arguments["a"]) for job in stored} == {("slow", -7, "pending", 1)}
    row = OperatorAction.objects.get()
    assert (row.verb, row.target, row.count, row.applied, row.door) == ("enqueue", "shop.add", 3, 3, "command")


def test_enqueue_takes_a_delay_or_a_time(jobs: Jobs) -> None:
    later = run("enqueue", "shop.note", "--delay", "60")
    then = run("enqueue", "shop.note", "--run-at", "2050-01-01T00:00:00+01:00")

    assert {jobs.get(ran.lines[0]).state for ran in (later, then)} == {State.SCHEDULED}
    assert jobs.get(then.lines[0]).due_at.isoformat() == "2049-12-31T23:00:00+00:00"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["shop.ad"], "shop.add"),
        (["shop.add", "--payload", "{"], "JSON"),
        (["shop.add", "--payload", "5"], "map"),
        (["shop.add", "--payload", "[]"], "map"),
        (["shop.add", "--payload", "{}"], "missing a"),
        (["shop.add", "--payload", '{"a": "x"}'], "int"),
        (["shop.note", "--priority", "101"], "100"),
        (["shop.note", "--queue", "../x"], "letter or digit"),
        (["shop.note", "--run-at", "2050-01-01T00:00:00"], "zone"),
        (["shop.note", "--run-at", "soon"], "ISO 8601"),
        (["shop.note", "--delay", "-1"], "delay"),
        (["shop.note", "--delay", "nan"], "delay"),
        (["shop.note", "--delay", "1e300"], "delay"),
        (["shop.note", "--payload", '{"x": "\\u0000"}'], "NUL"),
    ],
)
def test_enqueue_of_what_cannot_be_ends_with_2_and_a_sentence(jobs: Jobs, words: list[str], told: str) -> None:
    ran = run("enqueue", *words)

    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err
    assert jobs.stats() == []


# ------------------------------------------------------------------------------------------------ jobstats


def test_jobstats_prints_the_object_that_scripts_read(jobs: Jobs) -> None:
    jobs.enqueue("shop.add", a=1)

    told = run("jobstats", "--json").data

    none = dict.fromkeys(["pending", "scheduled", "held", "running", "failed", "dead", "completed", "cancelled"], 0)
    assert told == {
        "total": none | {"pending": 1},
        "queues": {"default": none | {"pending": 1}},
        "total_jobs": 1,
        "last_processed": None,
    }


def test_jobstats_is_a_table_for_people(jobs: Jobs) -> None:
    jobs.enqueue("shop.note")

    ran = run("jobstats")

    assert ran.lines[1].split() == ["mail", "1", *["0"] * 7]
    assert "1 jobs; last processed: never" in ran.out


# ------------------------------------------------------------------------------------------------ jobs


def test_json_says_the_same_without_what_a_terminal_obeys(jobs: Jobs) -> None:
    hostile = "\x1b[31m \x9b31m \u202e \u061c é"
    job = jobs.enqueue("shop.note", x=hostile)

    ran = run("jobs", "show", job.id, "--json")

    assert ran.data[0]["arguments"]["x"] == hostile
    assert not set(ran.out) & set("\x1b\x9b\u202e\u061c")
    assert "é" in ran.out


def test_jobs_list_filters_by_state_queue_and_task(jobs: Jobs) -> None:
    ids = [jobs.enqueue("shop.add", a=number).id for number in range(3)]
    jobs.enqueue("shop.note")
    jobs.cancel(ids[0])

    def listed(*words: str) -> list[str]:
        return [job["id"] for job in run("jobs", "list", "--json", *words).data]

    assert listed("--state", "cancelled") == ids[:1]
    assert listed("--state", "pending", "--queue", "default") == ids[1:]
    assert listed("--task", "shop.a*") == [*ids[1:], ids[0]]
    assert listed("--state", "pending", "--queue", "default", "--limit", "1") == ids[1:2]
    assert ids[0] in run("jobs", "list").out


def test_jobs_show_tells_all_and_masks_secrets(jobs: Jobs) -> None:
    job = jobs.enqueue("shop.note", password="hunter2", to="\x1b[31mann")

    ran = run("jobs", "show", job.id)

    assert job.id in ran.out
    assert "hunter2" not in ran.out
    assert "\x1b" not in ran.out
    assert run("jobs", "show", job.id, "--json").data[0]["task"] == "shop.note"


def test_jobs_show_ends_with_1_for_a_job_that_is_not_there(jobs: Jobs) -> None:
    assert run("jobs", "show", "default~00q40g78ctg00233dkdjv2l").code == 1
    assert run("jobs", "show", "nonsense").code == 2


def test_a_verb_acts_by_id_and_is_audited(jobs: Jobs) -> None:
    job = jobs.enqueue("shop.add", a=1)

    ran = run("jobs", "cancel", job.id, "--reason", "wrong")

    assert ran.code == 0
    assert ran.lines == [f"{job.id}  Cancelled: it was pending and is cancelled now."]
    row = OperatorAction.objects.get()
    assert (row.verb, row.reason, row.door, row.status) == ("cancel", "wrong", "command", "done")
    assert "@" in row.actor_name


def test_a_verb_that_comes_too_late_ends_with_1(jobs: Jobs) -> None:
    job = jobs.enqueue("shop.add", a=1)

    ran = run("jobs", "retry", job.id, "--json")

    assert ran.code == 1
    assert ran.data[0]["applied"] is False
    assert ran.data[0]["before"] == "pending"


def test_a_verb_acts_on_what_filters_find(jobs: Jobs) -> None:
    for number in range(4):
        jobs.cancel(jobs.enqueue("shop.add", a=number).id)
    jobs.cancel(jobs.enqueue("shop.note").id)

    ran = run("jobs", "retry", "--state", "cancelled", "--queue", "default", "--limit", "3")

    assert ran.code == 0
    assert "Retried: 3." in ran.err
    counts = {each.queue: each.states for each in jobs.stats()}
    assert (counts["default"][State.PENDING], counts["mail"][State.CANCELLED]) == (3, 1)


def test_filters_that_find_nothing_end_with_1(jobs: Jobs) -> None:
    assert run("jobs", "retry", "--state", "dead").code == 1


def test_a_dry_run_tells_and_does_nothing(jobs: Jobs) -> None:
    job = jobs.enqueue("shop.add", a=1)

    by_id = run("jobs", "cancel", job.id, "--dry-run")
    by_filter = run("jobs", "discard", "--state", "pending", "--dry-run")
    too_late = run("jobs", "retry", job.id, "--dry-run")

    assert "Would cancel it" in by_id.out
    assert "Would discard it" in by_filter.out
    assert (by_id.code, by_filter.code, too_late.code) == (0, 0, 1)
    assert jobs.get(job.id).state is State.PENDING
    assert not OperatorAction.objects.exists()


@pytest.mark.parametrize(
    "words",
    [
        ["retry"],
        ["retry", "default~00q40g78ctg00233dkdjv2l", "--state", "dead"],
        ["retry", "default~00q40g78ctg00233dkdjv2l", "--queue", "mail"],
        ["retry", "5"],
        ["cancel", "--state", "pending", "--queue", "../x"],
        ["pause"],
        ["pause", "a b"],
        ["list", "--limit", "0"],
        ["list", "--state", "lost"],
        ["purge", "default", "--state", "running"],
    ],
)
def test_bad_usage_ends_with_2_at_a_shell(jobs: Jobs, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        JobsCommand().run_from_argv(["manage.py", "jobs", *words])

    assert ended.value.code == 2
    assert capsys.readouterr().err


def test_pause_and_resume_take_several_queues(jobs: Jobs) -> None:
    assert run("jobs", "pause", "default", "--queue", "mail", "--reason", "deploy").lines == [
        "default: paused",
        "mail: paused",
    ]
    assert {(each.queue, each.is_paused, each.paused_reason) for each in jobs.stats()} == {
        ("default", True, "deploy"),
        ("mail", True, "deploy"),
    }
    assert run("jobs", "resume", "mail").code == 0
    assert run("jobs", "pause", "mail", "--dry-run").lines == ["mail: would be paused"]
    assert {each.queue: each.is_paused for each in jobs.stats()} == {"default": True, "mail": False}


def test_purge_deletes_one_state_of_the_named_queue(jobs: Jobs) -> None:
    jobs.cancel(jobs.enqueue("shop.add", a=1).id)
    jobs.enqueue("shop.add", a=2)

    assert run("jobs", "purge", "--queue", "default", "--state", "cancelled", "--dry-run").lines == [
        "default: 1 cancelled would be deleted"
    ]
    assert run("jobs", "purge", "default", "--state", "cancelled").lines == ["default: 1 cancelled deleted"]
    assert run("jobs", "purge", "default", "--state", "cancelled").code == 1
    assert jobs.stats()[0].states[State.PENDING] == 1


def test_purge_asks_a_person_for_the_queues_name(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs.enqueue("shop.add", a=1)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: "yes")

    assert run("jobs", "purge", "default", "--state", "pending").code == 1
    assert jobs.stats()[0].states[State.PENDING] == 1
    monkeypatch.setattr("builtins.input", lambda _: "default")
    assert run("jobs", "purge", "default", "--state", "pending").code == 0


def test_workers_lists_none_with_the_command_that_starts_one(jobs: Jobs) -> None:
    ran = run("jobs", "workers")

    assert (ran.code, run("jobs", "workers", "--json").data) == (0, [])
    assert "runworkers" in ran.err


@pytest.mark.parametrize(
    "words", [["jobstats"], ["jobs", "list"], ["jobs", "workers"], ["jobs", "cancel", "--state", "pending"]]
)
def test_a_store_that_is_away_ends_with_3(jobs: Jobs, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("redis://localhost:6379 refused")

    for verb in ("counts", "page", "workers", "now_ms"):
        monkeypatch.setattr(jobs.backend, verb, away)

    ran = run(*words)

    assert ran.code == 3
    assert "refused" in ran.err


# ------------------------------------------------------------------------------------------------ apitoken


def test_the_name_of_a_key_cannot_move_the_cursor() -> None:
    ran = run("apitoken", "create", "\x1b[31mshop")

    assert "\x1b" not in ran.err
    assert "\\x1b[31mshop: read" in ran.err


def test_a_token_is_printed_once_and_revoked_by_its_prefix(db: None) -> None:
    made = run("apitoken", "create", "shop", "--scopes", "read,enqueue", "--days", "7")
    [text] = made.lines
    prefix = text.split("_")[1]

    assert ApiToken.named_by(text).scopes == "enqueue,read"
    listed = run("apitoken", "list", "--json").data
    assert [(each["prefix"], each["state"]) for each in listed] == [(prefix, "usable")]
    assert text.rpartition("_")[2] not in run("apitoken", "list").out
    assert run("apitoken", "revoke", f"jd_{prefix}").code == 0
    assert run("apitoken", "list", "--json").data[0]["state"] == "revoked"
    assert set(OperatorAction.objects.values_list("verb", "status")) == {("issue", "done"), ("revoke", "done")}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["create", "shop", "--scopes", "everything"], 2),
        (["create", "shop", "--scopes", ""], 2),
        (["create", " "], 2),
        (["create", "n" * 101], 2),
        (["revoke", "00000000"], 1),
    ],
)
def test_a_token_that_cannot_be_made_or_found_is_told(db: None, words: list[str], code: int) -> None:
    ran = run("apitoken", *words)

    assert ran.code == code
    assert ran.err
    assert not ApiToken.objects.exists()


def test_workers_are_asked_by_id_by_its_start_and_by_name_and_it_is_audited(jobs: Jobs) -> None:
    one, two, three = (WorkerInfo(id=f"{n}" * 32, label=label) for n, label in ((1, "box"), (2, "box"), (3, "")))
    for worker in (one, two, three):
        jobs.backend.beat(worker)
    assert run("jobs", "quiet", "box", "--reason", "deploy").lines == [
        "111111111111: asked to claim nothing more",
        "222222222222: asked to claim nothing more",
    ]
    assert run("jobs", "stop", "3333").lines == ["333333333333: asked to stop"]
    assert run("jobs", "stop", "3333", "--dry-run").lines == ["333333333333: would be asked to stop"]
    assert [jobs.backend.beat(worker) for worker in (one, two, three)] == [
        WorkerOrders(quiet=True),
        WorkerOrders(quiet=True),
        WorkerOrders(stop=True),
    ]
    told = OperatorAction.objects.order_by("id").values_list("verb", "target", "reason", "status")
    assert list(told) == [
        ("quiet", one.id, "deploy", "done"),
        ("quiet", two.id, "deploy", "done"),
        ("stop", three.id, "", "done"),
    ]


def test_a_worker_that_nobody_heard_of_is_nothing_to_act_on(jobs: Jobs) -> None:
    jobs.backend.beat(WorkerInfo(id="1" * 32))
    jobs.backend.beat(WorkerInfo(id="1" * 31 + "2"))
    assert run("jobs", "quiet", "nobody").code == 1
    assert run("jobs", "quiet", "1111").code == 1  # which of the two?
