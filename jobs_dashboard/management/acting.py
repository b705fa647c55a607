"""The verbs of `manage.py jobs` that change something: on jobs, on queues, and purge."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandError

from core.errors import Conflict, InvalidInput, JobNotFound
from core.model.ident import JobRef
from core.model.payload import check_queue
from core.model.states import State, Verb, allows
from jobs_dashboard.actions import jobs as on_jobs
from jobs_dashboard.actions import queues as on_queues
from jobs_dashboard.actions import workers as on_workers
from jobs_dashboard.actions.actor import at_shell
from jobs_dashboard.actions.outcome import JobOutcome
from jobs_dashboard.bridge.wiring import current_backend

from .command import NOTHING, USAGE, JobsCommand
from .looking import query_of

_EVERY = 10**9
LEAST_ID_CHARS = 4
WORDS_OF_WORKERS = {"quiet": "claim nothing more", "stop": "stop"}


def act_on_jobs(
    command: JobsCommand,
    *,
    verb: str,
    ids: list[str],
    state: str | None,
    queue: list[str],
    task: str,
    limit: int | None,
    reason: str,
    dry_run: bool,
    json: bool,
    **_: Any,
) -> None:
    """By id, or all that the filters find. Ends with 1 when nothing was found or a job had moved on."""
    act = Verb(verb)
    if bool(ids) == bool(state) or (ids and (queue or task or limit)):
        raise CommandError("give ids, or --state with filters: one of the two", returncode=USAGE)
    told: list[JobOutcome] = []
    if dry_run:
        told = _rehearse(act, ids, state, queue, task, limit)
    elif ids:
        refs = [JobRef.parse(given) for given in dict.fromkeys(ids)]
        for start in range(0, len(refs), on_jobs.MAX_CHOSEN):
            told += on_jobs.act_on(at_shell(), act, refs[start : start + on_jobs.MAX_CHOSEN], reason=reason)
    else:
        query = query_of(State(str(state)), queue, task)
        on_jobs.act_on_found(at_shell(), act, query, most=limit or _EVERY, reason=reason, progress=told.append)
    _print_outcomes(command, act, told, dry_run=dry_run, json=json)
    if not told or not all(outcome.applied for outcome in told):
        sys.exit(NOTHING)


def act_on_queues(
    command: JobsCommand,
    *,
    verb: str,
    queues: list[str],
    queue: list[str],
    reason: str,
    dry_run: bool,
    json: bool,
    **_: Any,
) -> None:
    """Pause or resume. A queue that nobody has used yet may be paused as well."""
    names = _named(queues, queue)
    if not dry_run:
        act = on_queues.pause if verb == "pause" else on_queues.resume
        for name in names:
            act(at_shell(), name, reason=reason)
    if json:
        command.print_json([{"queue": name, "is_paused": verb == "pause", "dry_run": dry_run} for name in names])
        return
    for name in names:
        command.stdout.write(f"{name}: {'would be ' if dry_run else ''}{verb}d")


def act_on_workers(
    command: JobsCommand, *, verb: str, workers: list[str], reason: str, dry_run: bool, json: bool, **_: Any
) -> None:
    """Quiet or stop. Told with their next beat, within a second."""
    act = on_workers.quiet if verb == "quiet" else on_workers.stop
    ids = list(dict.fromkeys(found for given in workers for found in _workers_named(given)))
    for each in [] if dry_run else ids:
        act(at_shell(), each, reason=reason)
    if json:
        command.print_json([{"worker": each, "asked_to": verb, "dry_run": dry_run} for each in ids])
        return
    for each in ids:
        command.stdout.write(f"{each[:12]}: {'would be ' if dry_run else ''}asked to {WORDS_OF_WORKERS[verb]}")


def _workers_named(given: str) -> list[str]:
    """Whose id begins so, or all who bear the label. Raises JobNotFound, Conflict."""
    known = current_backend().workers()
    labelled = [each.id for each in known if each.label and each.label == given]
    begun = [each.id for each in known if len(given) >= LEAST_ID_CHARS and each.id.startswith(given)]
    if not labelled and len(begun) > 1:
        raise Conflict(f"several workers have ids that begin with {given!r}: give more of it")
    if not labelled and not begun:
        raise JobNotFound(f"no worker is called {given[:64]!r}; `manage.py jobs workers` lists them")
    return labelled or begun


def purge(
    command: JobsCommand,
    *,
    queues: list[str],
    queue: list[str],
    state: str,
    reason: str,
    dry_run: bool,
    yes: bool,
    json: bool,
    **_: Any,
) -> None:
    names = _named(queues, queue)
    held = {each.queue: each.states.get(State(state), 0) for each in current_backend().counts()}
    gone = {}
    for name in names:
        if not dry_run and not yes:
            _confirm(name, state, held.get(name, 0))
        gone[name] = held.get(name, 0) if dry_run else on_queues.purge(at_shell(), name, State(state), reason=reason)
    if json:
        command.print_json(
            [{"queue": name, "state": state, "deleted": gone[name], "dry_run": dry_run} for name in gone]
        )
    else:
        word = "would be deleted" if dry_run else "deleted"
        for name, count in gone.items():
            command.stdout.write(f"{name}: {count:,} {state} {word}")
    if not any(gone.values()):
        sys.exit(NOTHING)


def _rehearse(
    verb: Verb, ids: list[str], state: str | None, queue: list[str], task: str, limit: int | None
) -> list[JobOutcome]:
    """What would happen, by the states that the jobs are in now."""
    if ids:
        refs = [JobRef.parse(given) for given in dict.fromkeys(ids)]
        found = current_backend().get(refs)
        states: list[tuple[JobRef, State | None]] = [
            (ref, job.state if job else None) for ref, job in zip(refs, found, strict=True)
        ]
    else:
        query = query_of(State(str(state)), queue, task)
        states = [(job.ref, job.state) for page in on_jobs.pages(query, limit or _EVERY) for job in page]
    return [JobOutcome(verb, ref, bool(now and allows(verb, now)), now, now) for ref, now in states]


def _print_outcomes(command: JobsCommand, verb: Verb, told: list[JobOutcome], *, dry_run: bool, json: bool) -> None:
    if json:
        command.print_json([_as_data(outcome, dry_run=dry_run) for outcome in told])
        return
    for outcome in told:
        sentence = (
            outcome.sentence if not (dry_run and outcome.applied) else f"Would {verb} it: it is {outcome.before}."
        )
        command.stdout.write(f"{outcome.id}  {sentence}")
    if not told:
        command.stderr.write("no job was found")
    elif len(told) > 1:
        applied = sum(outcome.applied for outcome in told)
        sentence = on_jobs.told_of_many(verb, applied, len(told))
        command.stderr.write(f"dry run; it would be: {sentence}" if dry_run else sentence)


def _as_data(outcome: JobOutcome, *, dry_run: bool) -> dict[str, Any]:
    return {
        "id": outcome.id,
        "applied": outcome.applied and not dry_run,
        "before": outcome.before and str(outcome.before),
        "after": outcome.after and str(outcome.after),
        "copy": outcome.copy and str(outcome.copy),
        "message": outcome.sentence if not dry_run else f"dry run: {'' if outcome.applied else 'not '}possible",
    }


def _named(queues: list[str], more: list[str]) -> list[str]:
    names = [check_queue(name) for name in dict.fromkeys([*queues, *more])]
    if not names:
        raise InvalidInput("name at least one queue", path="$.queue")
    return names


def _confirm(queue: str, state: str, count: int) -> None:
    """A person types the queue's name; a program (no terminal) has said what it wants."""
    if not sys.stdin.isatty():
        return
    typed = input(f"Delete {count:,} {state} jobs of {queue} for good? Type the queue's name: ")
    if typed.strip() != queue:
        raise CommandError("that is not its name; nothing was deleted", returncode=NOTHING)
