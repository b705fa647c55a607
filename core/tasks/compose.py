"""Jobs that follow jobs: a chain, in which the result of one step feeds the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from ..errors import InvalidInput
from ..model.ident import derived_raw
from ..model.job import Claim, JobOptions, NewJob, Step, pack_options, unpack_options
from ..model.payload import as_data, pack_arguments, unpack_data
from .binding import current
from .handle import JobHandle
from .request import JobRequest


@dataclass(frozen=True, slots=True)
class Chain:
    """Requests that run one after another, each when the one before it completed."""

    requests: tuple[JobRequest, ...]

    def enqueue(self) -> JobHandle[Any]:
        """Store the first step, which carries the others; answers its handle."""
        return current().enqueue_many([self.as_request()])[0]

    async def aenqueue(self) -> JobHandle[Any]:
        return (await current().aenqueue_many([self.as_request()]))[0]

    def as_request(self) -> JobRequest:
        first, *others = self.requests
        return first.followed_by(tuple(request.as_step() for request in others))


def chain(*requests: JobRequest) -> Chain:
    """Steps in order: `chain(fetch.request(7), notify.request()).enqueue()`.

    A step that lacks one argument receives the result of the step before it there; one that lacks none does not.
    """
    if not requests:
        raise InvalidInput("a chain has at least one step", path="$.chain")
    return Chain(requests)


def follow_up(claim: Claim, options: JobOptions, result: Any) -> tuple[NewJob, ...]:
    """The next step of a completed job's chain, under an id that repeating the settle makes again."""
    if not options.steps:
        return ()
    step, *others = options.steps
    carried = replace(unpack_options(step.options), parent=str(claim.ref), steps=others)
    return (
        NewJob(
            queue=step.queue,
            raw=derived_raw(claim.raw, "next"),
            task=step.task,
            arguments=_fed(step, result),
            options=pack_options(carried),
            priority=step.priority,
            max_attempts=step.max_attempts,
            delay_ms=step.delay_ms,
            gate=step.gate,
        ),
    )


def _fed(step: Step, result: Any) -> bytes:
    if not step.takes_result:
        return step.arguments
    return pack_arguments(unpack_data(step.arguments) | {step.takes_result: as_data(result)})
