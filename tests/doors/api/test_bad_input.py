"""Nothing a client sends makes the API fail: each bad input is a 4xx that names field, reason and limit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.app import Jobs
from core.model.limits import MAX_PAYLOAD_BYTES
from jobs_dashboard.api.body import BODY_BYTES
from tests.doors.api.conftest import Caller, assert_problem

pytestmark = pytest.mark.django_db


def note(value: str) -> bytes:
    """A raw envelope whose one argument is this JSON text."""
    return b'{"task": "shop.note", "arguments": {"x": ' + value.encode("utf-8", "surrogatepass") + b"}}"


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        pytest.param(note('"a\\u0000b"'), "$.arguments.x", ["NUL"], id="NUL"),
        pytest.param(note('"\\ud800"'), "$.arguments.x", ["surrogate"], id="lone surrogate, escaped"),
        pytest.param(note('"\ud800"'), "$", ["UTF-8"], id="lone surrogate, raw"),
        pytest.param(note("NaN"), "$", ["NaN"], id="NaN"),
        pytest.param(note("-Infinity"), "$", ["Infinity"], id="Infinity"),
        pytest.param(note("1e400"), "$.arguments.x", ["infinity"], id="1e400"),
        pytest.param(note(str(2**64)), "$.arguments.x", ["64 bits"], id="integer beyond 64 bits"),
        pytest.param(note("9" * 5000), "$", [], id="integer of 5,000 digits"),
        pytest.param(note("[" * 70 + "]" * 70), None, ["64 levels"], id="nesting over 64"),
        pytest.param(note("[" * 100_000 + "]" * 100_000), "$", ["64 levels"], id="nesting of 100,000"),
        pytest.param(note('{"k": 1, "k": 2}'), "$", ["'k'", "twice"], id="duplicate keys"),
        pytest.param(b'{"task": "shop.add", "task": "shop.note"}', "$", ["twice"], id="duplicate task"),
        pytest.param(b"", "$", [], id="no body"),
        pytest.param(b"{", "$", ["JSON"], id="half a body"),
        pytest.param(b"\xff\xfe", "$", ["UTF-8"], id="no text"),
        pytest.param(b"[]", "$", ["object"], id="a list"),
        pytest.param(b"null", "$", ["object"], id="null"),
    ],
)
def test_what_is_no_storable_json_is_400(
    jobs: Jobs, caller: Caller, body: bytes, field: str | None, words: list[str]
) -> None:
    told = assert_problem(caller.post("/jobs", body), 400, *words)

    if field is not None:
        assert told["field"] == field
    assert jobs.stats() == []


ADD: dict[str, Any] = {"task": "shop.add", "arguments": {"a": 1}}


@pytest.mark.parametrize(
    ("sent", "field", "words"),
    [
        pytest.param({"task": "shop.ad"}, "$.task", ["shop.add", "shop.note"], id="unknown task"),
        pytest.param({}, "$.task", ["task"], id="no task"),
        pytest.param({"task": 5}, "$.task", ["task"], id="a number as task"),
        pytest.param({"task": ["shop.add"]}, "$.task", ["task"], id="a list as task"),
        pytest.param({"task": "shop.add\x00"}, None, [], id="NUL in the task"),
        pytest.param({"task": "shop.add", "arguments": {}}, "$.arguments", ["a", "missing"], id="missing argument"),
        pytest.param(
            {"task": "shop.add", "arguments": {"a": 1, "c": 2}}, "$.arguments", ["c", "b (optional)"], id="extra"
        ),
        pytest.param({"task": "shop.add", "arguments": {"a": "x"}}, "$.arguments.a", ["int"], id="mistyped"),
        pytest.param({"task": "shop.add", "arguments": [1]}, "$.arguments", ["map"], id="arguments as a list"),
        pytest.param({"task": "shop.add", "arguments": 5}, "$.arguments", ["map"], id="arguments as a number"),
        pytest.param({**ADD, "queue": "../etc"}, "$.queue", ["letter or digit"], id="queue ../"),
        pytest.param({**ADD, "queue": "a\r\nb"}, "$.queue", ["letter or digit"], id="queue CRLF"),
        pytest.param({**ADD, "queue": "a\n"}, "$.queue", ["letter or digit"], id="queue newline at the end"),
        pytest.param({**ADD, "queue": "{a}"}, "$.queue", ["letter or digit"], id="queue {"),
        pytest.param({**ADD, "queue": "*"}, "$.queue", ["letter or digit"], id="queue *"),
        pytest.param({**ADD, "queue": "q" * 1000}, "$.queue", ["63"], id="queue of 1,000"),
        pytest.param({**ADD, "queue": 7}, "$.queue", [], id="queue as a number"),
        pytest.param({**ADD, "run_at": "2030-01-01T00:00:00"}, "$.run_at", ["zone"], id="naive run_at"),
        pytest.param({**ADD, "run_at": "9999-12-31T23:59:59Z"}, "$.run_at", ["year"], id="absurd run_at"),
        pytest.param({**ADD, "run_at": "tomorrow"}, "$.run_at", ["ISO 8601"], id="run_at in words"),
        pytest.param({**ADD, "run_at": 5}, "$.run_at", ["ISO 8601"], id="run_at as a number"),
        pytest.param({**ADD, "delay": -1}, "$.delay", ["between 0"], id="negative delay"),
        pytest.param({**ADD, "delay": 1e300}, "$.delay", [], id="delay of an age"),
        pytest.param({**ADD, "delay": True}, "$.delay", ["number"], id="delay as a boolean"),
        pytest.param({**ADD, "delay": "5"}, "$.delay", ["number"], id="delay as a text"),
        pytest.param({**ADD, "delay": 5, "run_at": "2030-01-01T00:00:00Z"}, "$.delay", ["not both"], id="both times"),
        pytest.param({**ADD, "priority": 101}, "$.priority", ["100"], id="priority 101"),
        pytest.param({**ADD, "priority": 1.5}, "$.priority", ["whole"], id="priority 1.5"),
        pytest.param({**ADD, "max_attempts": 0}, "$.max_attempts", ["10000"], id="no attempts"),
        pytest.param({**ADD, "timeout": 0}, "$.timeout", ["longer"], id="no time"),
        pytest.param({**ADD, "unique_key": "k" * 201}, "$.unique_key", ["200"], id="long unique key"),
        pytest.param({**ADD, "unique_key": {}}, "$.unique_key", ["text"], id="unique key as a map"),
        pytest.param({**ADD, "metadata": []}, "$.metadata", ["map"], id="metadata as a list"),
        pytest.param({**ADD, "colour": "red"}, "$.colour", ["known", "queue"], id="unknown field"),
        pytest.param({**ADD, "payload": {}}, "$.payload", ["known"], id="payload beside arguments"),
    ],
)
def test_a_wish_that_cannot_be_met_is_400_and_names_the_field(
    jobs: Jobs, caller: Caller, sent: dict[str, Any], field: str | None, words: list[str]
) -> None:
    told = assert_problem(caller.post("/jobs", sent), 400, *words)

    assert field is None or told["field"] == field
    assert jobs.stats() == []


def test_arguments_over_the_limit_are_413_with_the_limit(jobs: Jobs, caller: Caller) -> None:
    told = assert_problem(caller.post("/jobs", note(json.dumps("x" * MAX_PAYLOAD_BYTES))), 413, "262144")

    assert told["limit"] == MAX_PAYLOAD_BYTES
    assert told["field"] == "$.arguments"


def test_metadata_over_its_limit_is_413(jobs: Jobs, caller: Caller) -> None:
    told = assert_problem(caller.post("/jobs", {**ADD, "metadata": {"x": "y" * 5000}}), 413)

    assert (told["field"], told["limit"]) == ("$.metadata", 4096)


def test_a_body_that_is_too_long_is_refused_by_its_length_and_not_read(jobs: Jobs, caller: Caller) -> None:
    class Unread:
        def read(self, *_: object) -> bytes:
            raise AssertionError("the body was read")

        readline = read

    response = caller.post("/jobs", b"{}", **{"wsgi.input": Unread(), "CONTENT_LENGTH": str(BODY_BYTES + 1)})

    assert_problem(response, 413, str(BODY_BYTES))


def test_a_body_of_unknown_length_is_411(jobs: Jobs, caller: Caller) -> None:
    response = caller.post("/jobs", b"{}", CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked")

    assert_problem(response, 411, "Content-Length")


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"])
def test_what_is_not_said_to_be_json_is_415(jobs: Jobs, caller: Caller, kind: str) -> None:
    assert_problem(caller.post("/jobs", b"{}", content_type=kind), 415, "application/json")


@pytest.mark.parametrize(
    "id",
    ["5", "default", "default~", "default~zzzzzzzzzzzzzzzzzzzzzzz", "default~vvvvvvvvvvvvvvvvvvvvvvv", "%00",
     "default%00~00q40g78ctg00233dkdjv2l", "..%2Fdefault~00q40g78ctg00233dkdjv2l", str(2**63 + 1), "x" * 2000,
     "default~00q40g78ctg00233dkdjv2l%0d%0a", "%ff%fe"],
)  # fmt: skip
@pytest.mark.parametrize("action", ["", "/retry", "/cancel", "/discard"])
def test_an_id_that_is_none_is_400_or_404(jobs: Jobs, caller: Caller, id: str, action: str) -> None:
    path = f"/jobs/{id}{action}"
    response = caller.post(path) if action else caller.get(path)

    assert response.status_code in (400, 404)
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "query",
    ["state=lost", "limit=0", "limit=101", "limit=-1", "limit=1e9", "limit=%00", "limit=" + "9" * 500,
     "queue=..%2F", "queue=%00", "after=!!", "after=" + "A" * 500, "after=AAAA", "state=", "limit=\u0663"],
)  # fmt: skip
def test_a_list_out_of_bounds_is_400(jobs: Jobs, caller: Caller, query: str) -> None:
    assert_problem(caller.get(f"/jobs?{query}"), 400)


@pytest.mark.parametrize(
    "body",
    [b"[]", b"{", b'{"reason": 5}', b'{"reason": "a\\u0000"}', b'{"why": "x"}',
     json.dumps({"reason": "x" * 501}).encode()],
)  # fmt: skip
def test_a_reason_that_is_none_is_400_and_nothing_is_done(jobs: Jobs, caller: Caller, body: bytes) -> None:
    job = jobs.enqueue("shop.add", a=1)

    assert_problem(caller.post(f"/jobs/{job.id}/cancel", body), 400)
    assert jobs.get(job.id).state == "pending"


@pytest.mark.parametrize("path", ["", "/", "/job", "/jobs/", "/jobs/x/y/z", "/%00", "/admin", "/jobs/a/explode"])
def test_an_address_that_is_none_is_a_problem_too(jobs: Jobs, caller: Caller, path: str) -> None:
    response = caller.get(path)

    assert response.status_code in (301, 404)
    if response.status_code == 404 and path:
        assert response["Content-Type"] == "application/problem+json"


def test_a_wrong_method_is_405_and_says_the_right_one(jobs: Jobs, caller: Caller) -> None:
    job = jobs.enqueue("shop.add", a=1)

    response = caller.get(f"/jobs/{job.id}/retry")

    assert_problem(response, 405, "POST")
    assert response["Allow"] == "POST"


@pytest.mark.parametrize("task", ["%00", "%ff", "a*b", "%3Cscript%3E", "(a%2B)%2B$", "a" * 201])
def test_a_filter_that_no_task_can_have_is_refused(jobs: Jobs, caller: Caller, task: str) -> None:
    response = caller.get(f"/jobs?task={task}")

    assert_problem(response, 400, "invalid-input")
    assert response.json()["field"] == "$.task"
