"""Looking for jobs by what they carry: a bounded walk through one state that says how far it looked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from .backends.contract import Backend, Cursor, Page, PageQuery
from .errors import InvalidInput
from .model.job import StoredJob, unpack_options
from .model.limits import MAX_NEEDLES
from .model.payload import as_data, check_data, unpack_data
from .model.states import State

SCAN_LIMIT: Final = 100_000
MAX_TEXT_CHARS: Final = 200

_pack = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for among the jobs of a state, newest or next first as that state has it.

    text: stands in some text of the arguments, names of arguments included; upper and lower case count. arguments,
    metadata: top-level names with exactly these values. scan_limit: how many jobs are looked at, at most.
    """

    state: State
    queues: tuple[str, ...] = ()
    task: str = ""
    text: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    after: Cursor | None = None
    limit: int = 50
    scan_limit: int = SCAN_LIMIT

    def __post_init__(self) -> None:
        if len(self.text) > MAX_TEXT_CHARS:
            raise InvalidInput(f"a text to look for has at most {MAX_TEXT_CHARS} characters", path="$.text")
        if len(self.arguments) + len(self.metadata) + bool(self.text) > MAX_NEEDLES:
            raise InvalidInput(f"look for at most {MAX_NEEDLES} things at once", path="$.search", limit=MAX_NEEDLES)
        for path, values in (("$.arguments", self.arguments), ("$.metadata", self.metadata)):
            check_data(as_data(dict(values)), path)

    def finds(self, job: StoredJob) -> bool:
        """Whether a job is what is looked for; the store looked at its bytes only."""
        arguments = unpack_data(job.arguments)
        metadata = unpack_options(job.options).metadata if self.metadata else {}
        return (
            _holds(arguments, self.arguments)
            and _holds(metadata, self.metadata)
            and (not self.text or any(self.text in text for text in _texts(arguments)))
        )

    def query(self) -> PageQuery:
        """The walk of a store: a name and its value stand side by side in what is stored."""
        pairs = [*self.arguments.items(), *self.metadata.items()]
        needles = [_pack(name) + _pack(as_data(value)) for name, value in pairs]
        return PageQuery(
            state=self.state,
            queues=self.queues,
            task=self.task,
            having=(*needles, *([self.text.encode()] if self.text else [])),
            after=self.after,
            limit=self.limit,
            scan_limit=self.scan_limit,
        )


def search(backend: Backend, wanted: Search) -> Page:
    """The jobs that are found. `exhausted` False: nothing more within the scan limit; go on from `next`."""
    query, found, scanned = wanted.query(), list[StoredJob](), 0
    while True:
        page = backend.page(query)
        found += [job for job in page.jobs if wanted.finds(job)]
        scanned += page.scanned
        left, room = wanted.scan_limit - scanned, wanted.limit - len(found)
        if page.next is None or not page.exhausted or left <= 0 or room <= 0:
            return replace(page, jobs=found, scanned=scanned, previous=None)
        query = replace(query, after=page.next, limit=room, scan_limit=left)


def _holds(data: Any, wanted: Mapping[str, Any]) -> bool:
    return all(name in data and data[name] == as_data(value) for name, value in wanted.items())


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        yield from data
        for value in data.values():
            yield from _texts(value)
    elif isinstance(data, list):
        for value in data:
            yield from _texts(value)
