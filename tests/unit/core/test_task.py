"""Tasks: declared, called, enqueued, with arguments that are checked where the mistake is made."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from core.app import Jobs
from core.errors import ConfigError, InvalidArguments, InvalidInput, UnknownTask
from core.model.retry import Retry
from core.model.states import State
from core.tasks.context import JobContext
from core.tasks.declare import schedule, task
from core.tasks.registry import Registry
from core.tasks.task import Task


@dataclass
class Address:
    street: str
    number: int


def module_level(to: str, copies: int = 1) -> str:
    return to * copies


def declared(func: Any, registry: Registry, **options: Any) -> Task[..., Any]:
    return task(registry=registry, **options)(func)


def test_calling_a_task_runs_it_here(registry: Registry) -> None:
    assert declared(module_level, registry)("a", copies=2) == "aa"


def test_its_name_is_module_and_function(registry: Registry) -> None:
    assert declared(module_level, registry).name.endswith("test_task.module_level")
    assert registry.get("mail.send") is None
    assert declared(module_level, registry, name="mail.send") is registry.get("mail.send")


def test_two_functions_cannot_share_a_name(registry: Registry) -> None:
    declared(module_level, registry, name="x")
    declared(module_level, registry, name="x")  # the same function again is fine
    with pytest.raises(ConfigError, match="two tasks are named x"):
        declared(lambda: None, registry, name="x")


def test_enqueue_stores_arguments_by_name(jobs: Jobs, registry: Registry) -> None:
    handle = declared(module_level, registry, queue="mail", priority=5).enqueue("a", copies=3)
    job = handle.get()
    assert job is not None
    assert (job.arguments, job.queue, job.priority, job.state) == ({"to": "a", "copies": 3}, "mail", 5, State.PENDING)
    assert handle.created is True


def test_options_of_one_job_override_its_task(jobs: Jobs, registry: Registry) -> None:
    mail = declared(module_level, registry, queue="mail", retry=Retry(max_attempts=9), timeout=30)
    using = mail.using(queue="slow", priority=-3, delay=60, max_attempts=2, metadata={"user_id": 7}, timeout=5)
    job = using.enqueue("a").get()
    assert job is not None
    assert (job.queue, job.priority, job.max_attempts, job.state) == ("slow", -3, 2, State.SCHEDULED)
    assert (job.metadata, job.options.timeout_ms) == ({"user_id": 7}, 5_000)
    plain = mail.enqueue("a").get()
    assert plain is not None
    assert plain.max_attempts == 9


def test_using_adds_up(jobs: Jobs, registry: Registry) -> None:
    job = declared(module_level, registry).using(priority=1).using(metadata={"a": 1}).enqueue("x").get()
    assert job is not None
    assert (job.priority, job.metadata) == (1, {"a": 1})


def test_max_attempts_come_from_the_configuration_at_last(jobs: Jobs, registry: Registry) -> None:
    job = declared(module_level, registry).enqueue("x").get()
    assert job is not None
    assert job.max_attempts == 4


def test_an_aware_time_schedules(jobs: Jobs, registry: Registry, clock: Any) -> None:
    at = datetime(2035, 1, 1, tzinfo=UTC)
    job = declared(module_level, registry).using(run_at=at).enqueue("x").get()
    assert job is not None
    assert (job.state, job.due_at) == (State.SCHEDULED, at)


def test_many_in_one_call_keep_their_order(jobs: Jobs, registry: Registry) -> None:
    mail = declared(module_level, registry)
    handles = mail.enqueue_many([{"to": str(n)} for n in range(50)])
    assert [job and job.arguments["to"] for job in jobs.get_many(h.id for h in handles)] == [str(n) for n in range(50)]
    mixed = jobs.enqueue_many([mail.request("a"), mail.using(queue="other").request("b")])
    assert [handle.queue for handle in mixed] == ["default", "other"]


def test_async_twins(jobs: Jobs, registry: Registry) -> None:
    mail = declared(module_level, registry)

    async def both() -> None:
        handle = await mail.aenqueue("a")
        assert (await jobs.aget(handle.id)) is not None
        assert len(await mail.aenqueue_many([{"to": "b"}, {"to": "c"}])) == 2

    asyncio.run(both())


def full(
    address: Address, at: datetime, who: UUID, where: Path, *, tags: set[int], more: dict[str, Any] | None = None
) -> None: ...


def test_typed_arguments_come_back_as_their_types(registry: Registry) -> None:
    typed = declared(full, registry)
    at, who = datetime(2026, 1, 1, tzinfo=UTC), UUID(int=5)
    data = typed.arguments.bind((Address("x", 1), at, who, Path("/a")), {"tags": {1}})
    assert typed.load(typed.arguments.pack(data)) == {
        "address": Address("x", 1), "at": at, "who": who, "where": Path("/a"), "tags": {1}
    }  # fmt: skip


@pytest.mark.parametrize(
    ("args", "kwargs", "told"),
    [
        ((), {}, "lacks to"),
        ((1,), {}, r"\$\.arguments\.to: Expected `str`, got `int`"),
        (("a",), {"copies": "two"}, r"\$\.arguments\.copies"),
        (("a",), {"cc": "b"}, "cc"),
        (("a", 1, 2), {}, "too many positional"),
        ((object(),), {}, r"\$\.arguments\.to: a builtins.object"),
    ],
)
def test_bad_arguments_fail_where_they_are_given(
    jobs: Jobs, registry: Registry, args: Any, kwargs: Any, told: str
) -> None:
    with pytest.raises(InvalidInput, match=told):
        declared(module_level, registry).enqueue(*args, **kwargs)
    assert jobs.stats() == []


def test_what_was_stored_by_an_older_version_is_checked_again(registry: Registry) -> None:
    packed = declared(lambda old: None, registry, name="v1").arguments.pack({"old": 1})
    with pytest.raises(InvalidArguments, match="missing to"):
        declared(module_level, registry).load(packed)


def test_extra_arguments_need_a_place(registry: Registry) -> None:
    def rest(to: str, **others: int) -> None: ...

    open_task = declared(rest, registry)
    assert open_task.load(open_task.arguments.pack(open_task.arguments.bind(("a",), {"n": 1}))) == {"to": "a", "n": 1}


@pytest.mark.parametrize("func", [lambda *items: None, eval("lambda a, /: None")])
def test_arguments_without_names_are_refused_at_declaration(registry: Registry, func: Any) -> None:
    with pytest.raises(ConfigError, match="no name to store it by"):
        declared(func, registry, name="x")


def test_a_context_is_no_argument(registry: Registry) -> None:
    def annotated(ctx: JobContext, to: str) -> None: ...

    def named(ctx: Any, to: str) -> None: ...

    assert declared(annotated, registry).arguments.names == ("to",)
    assert declared(named, registry, name="n", takes_context=True).arguments.names == ("to",)
    assert not declared(module_level, registry).takes_context


@pytest.mark.parametrize(
    "options",
    [
        {"priority": 101}, {"priority": True}, {"priority": 1.5}, {"queue": "../"}, {"delay": -1}, {"delay": 1e12},
        {"run_at": datetime(2030, 1, 1)}, {"run_at": datetime(9999, 1, 1, tzinfo=UTC)},
        {"run_at": datetime(2030, 1, 1, tzinfo=UTC), "delay": 1}, {"max_attempts": 0}, {"timeout": 0},
        {"timeout": float("inf")}, {"expires_in": 0}, {"expires_in": "soon"},
        {"unique_key": "k", "unique_for": -1}, {"unique_key": "k", "unique_while": "running"},
        {"unique_while": "pending", "unique_key": None}, {"unique_key": "x" * 201}, {"metadata": [1]},
        {"unique_key": "k", "unique_while": "pending", "unique_for": 1},
    ],
)  # fmt: skip
def test_wrong_options_are_refused_by_name(registry: Registry, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        declared(module_level, registry).using(**options)
    assert caught.value.path.removeprefix("$.") in options


def test_an_unknown_option_lists_the_known(registry: Registry) -> None:
    with pytest.raises(ConfigError, match="prority.*priority"):
        declared(module_level, registry).using(prority=1)


def test_an_unknown_task_lists_the_likely_ones(jobs: Jobs, registry: Registry) -> None:
    declared(module_level, registry, name="mail.send")
    with pytest.raises(UnknownTask, match="mail.send"):
        jobs.enqueue("mail.sned", to="x")


def test_registering_without_a_decorator(jobs: Jobs) -> None:
    jobs.register("send_email", module_level, queue="mail")
    assert jobs.enqueue("send_email", to="x").queue == "mail"


def test_a_schedule_stands_above_its_task(registry: Registry) -> None:
    made = schedule("0 2 * * *", registry=registry, arguments={"to": "x"}, timezone="Europe/Berlin", priority=3)(
        declared(module_level, registry, name="nightly")
    )
    [entry] = registry.schedules()
    assert (entry.key, entry.task, entry.arguments, entry.using.priority) == ("nightly", made, {"to": "x"}, 3)
    with pytest.raises(ConfigError, match="above @task"):
        schedule("0 2 * * *", registry=registry)(module_level)  # type: ignore[arg-type]
    with pytest.raises(InvalidArguments, match="missing to"):
        schedule("0 2 * * *", registry=registry)(made)


def test_a_timeout_is_longer_than_nothing(registry: Registry) -> None:
    with pytest.raises(ConfigError, match="timeout"):
        declared(module_level, registry, timeout=timedelta(0))
