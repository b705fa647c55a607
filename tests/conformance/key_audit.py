"""Unique keys against the jobs: who answers for a key is who should have it."""

from collections import defaultdict
from collections.abc import Sequence

from core.backends.contract import Backend
from core.model.job import NewJob, StoredJob, Unique

_DAY_MS = 86_400_000


def assert_keys_add_up(store: Backend, every: Sequence[StoredJob]) -> None:
    """Ask for each key with one more job, which stays in the store, far in the future, where nobody held the key."""
    jobs_of: defaultdict[tuple[str, str], list[StoredJob]] = defaultdict(list)
    for job in every:
        if job.unique_key:
            jobs_of[job.ref.queue, job.unique_key].append(job)
    for number, ((queue, key), jobs) in enumerate(jobs_of.items()):
        raw = b"key-audit" + number.to_bytes(5, "big")
        asker = NewJob(queue=queue, raw=raw, task="audit", arguments=b"\x80", delay_ms=_DAY_MS, unique_key=key)
        [receipt] = store.enqueue([asker])
        _assert_right_holder(jobs, None if receipt.created else receipt.ref.raw, store.now_ms())


def _assert_right_holder(jobs: Sequence[StoredJob], holder: bytes | None, now_ms: int) -> None:
    """A job that was claimed and came back may have lost a key for pending ones or, retried, have it again."""
    certain = [job.ref for job in jobs if job.unique is not Unique.WHILE_PENDING and job.holds_its_key(now_ms)]
    assert len(certain) <= 1, f"two jobs hold one unique key: {certain}"
    if certain:
        assert holder == certain[0].raw, f"{certain[0]} does not hold its key, but {holder!r}"
    known = {job.ref.raw: job for job in jobs}
    if holder in known and not certain:
        kept = known[holder]
        assert kept.unique is Unique.WHILE_PENDING, f"{kept.ref} holds a key beyond its time"
        assert not kept.state.is_final, f"{kept.ref} holds a key beyond its end"
