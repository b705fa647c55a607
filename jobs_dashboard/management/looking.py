"""The verbs of `manage.py jobs` that only look: list, show, workers."""

from __future__ import annotations

import json as to_json
from collections.abc import Iterator, Sequence
from typing import Any

from core.backends.contract import PageQuery
from core.errors import JobNotFound
from core.model.ident import JobRef
from core.model.payload import check_queue
from core.model.snapshot import JobSnapshot
from core.model.states import State
from jobs_dashboard.actions.jobs import pages
from jobs_dashboard.bridge.wiring import current_backend, current_control
from jobs_dashboard.log_format import harmless
from jobs_dashboard.queries import as_json

from .command import JobsCommand
from .tables import facts, table

_ORDER = (State.RUNNING, State.FAILED, State.DEAD, State.PENDING, State.HELD, State.SCHEDULED)
_ORDER_OF_ALL = (*_ORDER, State.CANCELLED, State.COMPLETED)
SCANNED = 1_000_000  # jobs looked at for one task's, before a list says that it stopped


def query_of(state: State, queue: Sequence[str], task: str) -> PageQuery:
    """The filters of a command; raises InvalidInput for a name that no queue can have."""
    queues = current_control().partitions.of_all(check_queue(name) for name in queue)
    return PageQuery(state=state, queues=queues, task=task, scan_limit=SCANNED)


def list_jobs(
    command: JobsCommand, *, state: str | None, queue: list[str], task: str, limit: int, json: bool, **_: Any
) -> None:
    states = [State(state)] if state else list(_ORDER_OF_ALL)
    found = list(_found(states, queue, task, limit))
    if json:
        command.print_json([as_json.job_line(job) for job in found])
        return
    rows = [[job.id, job.state, job.task, f"{job.tries}/{job.max_attempts}", _when(job), _note(job)] for job in found]
    command.stdout.write(table(["id", "state", "task", "tries", "when", "note"], rows))
    if len(found) == limit:
        command.stderr.write(f"the first {limit}; --limit shows more")


def show_jobs(command: JobsCommand, *, ids: list[str], json: bool, **_: Any) -> None:
    refs = [JobRef.parse(given) for given in ids]
    found = [JobSnapshot(job) for job in current_backend().get(refs) if job is not None]
    if json:
        command.print_json([as_json.job_whole(job) for job in found])
    else:
        command.stdout.write("\n\n".join(_told(job) for job in found))
    missing = {str(ref) for ref in refs} - {job.id for job in found}
    if missing:
        raise JobNotFound(f"not there: {', '.join(sorted(missing))} (it never was, or retention deleted it)")


def list_workers(command: JobsCommand, *, json: bool, **_: Any) -> None:
    backend = current_backend()
    now_ms = backend.now_ms()
    told = [as_json.worker(info, now_ms) for info in backend.workers()]
    if json:
        command.print_json(told)
        return
    rows = [
        [
            each["id"][:12],
            each["role"] + (" (quiet)" if each["quiet"] else ""),
            f"{each['label'] or '-'}@{each['host']}:{each['pid']}",
            ", ".join(each["queues"]) or "all",
            f"{len(each['running'])}/{each['slots']}",
            f"{each['last_beat_s']:.0f} s ago",
        ]
        for each in told
    ]
    command.stdout.write(table(["id", "role", "where", "queues", "busy", "heard of"], rows))
    if not told:
        command.stderr.write("no worker was heard of within the hour; start one: manage.py runworkers")


def _found(states: Sequence[State], queue: Sequence[str], task: str, limit: int) -> Iterator[JobSnapshot]:
    left = limit
    for state in states:
        for page in pages(query_of(state, queue, task), left):
            left -= len(page)
            yield from (JobSnapshot(job) for job in page)
        if left <= 0:
            return


def _when(job: JobSnapshot) -> str:
    word, moment = next(
        (
            (word, moment)
            for word, moment in (("due", job.due_at), ("ended", job.finished_at), ("started", job.started_at))
            if moment is not None
        ),
        ("created", job.created_at),
    )
    return f"{word} {moment:%Y-%m-%d %H:%M:%S}Z"


def _note(job: JobSnapshot) -> str:
    line = job.lines[-1] if job.lines and job.state in (State.FAILED, State.DEAD) else None
    told = f"{line.error_type}: {line.error_line}" if line and line.error_type else job.reason
    return told if len(told) <= 80 else told[:79] + "…"


def _told(job: JobSnapshot) -> str:
    whole = as_json.job_whole(job)
    error = whole["error"]
    plain = ("id", "task", "queue", "state", "reason", "priority", "created_at", "due_at", "started_at", "finished_at")
    pairs = [(name, str(whole[name])) for name in plain if whole[name] not in (None, "")]
    pairs.append(("tries", f"{job.tries} of {job.max_attempts}"))
    pairs += [(name, str(whole[name] or "")) for name in ("worker", "parent", "schedule")]
    pairs += [(name, _json(whole[name])) for name in ("arguments", "metadata", "result")]
    pairs += [(f"attempt {line['attempt']}", _attempt(line)) for line in whole["history"]]
    return facts(pairs) + (f"\n\n{_block(error['traceback'])}" if error else "")


def _attempt(line: dict[str, Any]) -> str:
    failure = f", {line['error_type']}: {line['error']}" if line["error_type"] else ""
    return f"{line['state']} at {line['finished_at']} on {line['worker']}{failure}"


def _block(text: str) -> str:
    return "\n".join(f"  {harmless(line)}" for line in text.splitlines())


def _json(value: Any) -> str:
    return to_json.dumps(value, ensure_ascii=False) if value else ""
