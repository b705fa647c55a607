"""Jobs on their way between two stores: made with something in every field, and named as `withdraw` names them."""

from typing import Any

from core.backends.contract import Backend
from core.model.job import StoredJob
from core.model.states import State

from .lab import HOUR_MS, Lab

RESTS = [state for state in State if state is not State.RUNNING]


def rich(lab: Lab, state: State, **fields: Any) -> StoredJob:
    """A job with something in every field that its state can have."""
    claim = lab.start(
        **{
            "arguments": b"\x81\xa2to\xa3ann\x00\xff",
            "options": b"\x81\xa1m\x81\xa1a\x01",
            "priority": 7,
            "max_attempts": 9,
            **fields,
        }
    )
    lab.clock.move(3)
    lab.finish(claim, State.FAILED, error=b"\x93\xa1E\xa1m\xa1t", line=b"\x91\x01", result=b"\x07")
    lab.clock.move(3)
    if state is State.FAILED:
        lab.exchange()
        lab.settle(lab.claim_it(claim.ref), State.FAILED, delay_ms=HOUR_MS, line=b"\x91\x02", reason="again")
    elif state is State.PENDING:
        lab.exchange()
    else:
        again = lab.claim_it(claim.ref)
        delay_ms = HOUR_MS if state is State.SCHEDULED else 0
        lab.finish(again, state, delay_ms=delay_ms, line=b"\x91\x02", reason="because", result=b"\x08")
    job = lab.read(claim.ref)
    assert job.state is state
    return job


def place_of(job: StoredJob) -> tuple[bytes, State, int]:
    return (job.ref.raw, job.state, job.score)


def move(source: Backend, target: Backend, jobs: list[StoredJob]) -> int:
    target.adopt("mail", jobs)
    return source.withdraw("mail", [place_of(job) for job in jobs])
