"""Partitions: one hot queue kept by its store as several, so that it is more than one server or one lock can carry."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from .job import NewJob
from .payload import check_queue

MARK: Final = "@"  # mail, mail@1, mail@2: the queue itself is the first of its partitions


@dataclass(frozen=True, slots=True)
class Partitions:
    """How many partitions queues have; a queue that is not named has one."""

    counts: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for queue, count in self.counts.items():
            check_queue(f"{queue}{MARK}{count}", path="$.partitions")

    def of(self, queue: str) -> tuple[str, ...]:
        """The partitions of a queue; one that names a partition means that alone."""
        return (queue, *(f"{queue}{MARK}{number}" for number in range(1, self.counts.get(queue, 1))))

    def of_all(self, queues: Iterable[str]) -> tuple[str, ...]:
        return tuple(part for queue in queues for part in self.of(queue))

    def route(self, job: NewJob) -> NewJob:
        """A job in its partition: jobs that share a unique key or a gate share the partition, which keeps both."""
        count = self.counts.get(job.queue, 1)
        if count < 2:
            return job
        place = _place(job) % count
        return replace(job, queue=f"{job.queue}{MARK}{place}") if place else job


def queue_of(partition: str) -> str:
    """The queue that a partition is of."""
    return partition.partition(MARK)[0]


def _place(job: NewJob) -> int:
    shared = f"gate {job.gate.name}" if job.gate else f"key {job.unique_key}" if job.unique_key else ""
    by = shared.encode() if shared else job.raw
    return int.from_bytes(hashlib.blake2b(by, digest_size=8).digest(), "big")
