"""What the API's answers and envelopes look like, for its OpenAPI description only: nothing here checks anything."""

from __future__ import annotations

from typing import Any

from ninja import Field, Schema


class Wish(Schema):
    """A job to enqueue."""

    task: str = Field(description="The task's name.", examples=["shop.tasks.send_email"])
    arguments: dict[str, Any] = Field(default={}, description="By name; at most 256 KiB.")
    queue: str | None = Field(default=None, description="Instead of the task's own.")
    priority: int | None = Field(default=None, ge=-100, le=100, description="Higher runs first.")
    delay: float | None = Field(default=None, ge=0, description="Seconds until it may run.")
    run_at: str | None = Field(default=None, description="ISO 8601 with a zone; instead of delay.")
    max_attempts: int | None = Field(default=None, ge=1, le=10_000)
    timeout: float | None = Field(default=None, description="Seconds, of each attempt.")
    expires_in: float | None = Field(default=None, description="Seconds from when it is due; later it is cancelled.")
    unique_key: str | None = Field(default=None, max_length=200, description="One live job a key and queue.")
    unique_while: str | None = Field(default=None, description='"pending": the key is free once the job starts.')
    unique_for: float | None = Field(default=None, description="Seconds that the key is held, whatever becomes of it.")
    metadata: dict[str, Any] | None = Field(default=None, description="Shown with the job; at most 4 KiB.")


class Accepted(Schema):
    id: str = Field(examples=["default~00q40g78ctg00233dkdjv2l"])
    state: str
    message: str
    url: str


class Reason(Schema):
    reason: str = Field(default="", max_length=500)


class Acted(Schema):
    id: str = Field(description="The job to look at now: the new one, when a completed job was retried.")
    state: str
    message: str
    url: str


class Attempt(Schema):
    attempt: int
    state: str
    started_at: str | None
    finished_at: str | None
    worker: str
    error_type: str
    error: str


class ErrorDetail(Schema):
    type: str
    message: str
    traceback: str


class JobLine(Schema):
    id: str
    task: str
    queue: str
    state: str
    priority: int
    attempts: int
    tries: int
    max_attempts: int
    created_at: str
    due_at: str | None
    started_at: str | None
    finished_at: str | None
    reason: str


class Progress(Schema):
    done: float
    total: float | None
    message: str
    ratio: float | None = Field(description="From 0 to 1; null without a total.")


class Job(JobLine):
    arguments: dict[str, Any] | None = Field(description="Values under names that look like secrets are masked.")
    metadata: dict[str, Any] | None
    worker: str
    parent: str | None
    schedule: str | None
    cancel_asked: bool
    progress: Progress | None = Field(description="What its handler said of how far it is, while it has not completed.")
    checkpoint: Any = Field(description="Where its next attempt goes on from.")
    log: str = Field(description="What its newest attempt that logged anything logged, at most 64 KiB.")
    result: Any
    error: ErrorDetail | None
    history: list[Attempt]
    from_history: bool = Field(description="The store has let go of it; this is what rows remember.")
    url: str


class JobPage(Schema):
    jobs: list[JobLine]
    next: str | None = Field(description="The value of `after` for the next page.")


class Stats(Schema):
    total: dict[str, int]
    queues: dict[str, dict[str, int]]
    total_jobs: int
    last_processed: str | None


class Problem(Schema):
    """application/problem+json, RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    field: str | None = None
    limit: int | None = None


def sent_as(shape: type[Schema], *, required: bool) -> dict[str, Any]:
    """The description of a body that is read by hand."""
    schema = shape.model_json_schema()
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}


def answers(*pairs: tuple[int, Any]) -> dict[Any, Any]:
    """What an operation may answer, and the problems that any may."""
    return dict(pairs) | dict.fromkeys((400, 401, 403, 404, 409, 413, 503), Problem)
