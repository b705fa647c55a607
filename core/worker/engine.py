"""What the worker wing needs of the application it runs for; `core.app.Jobs` is one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from ..backends.contract import Backend
from ..config import Config
from ..model.job import Claim
from ..tasks.middleware import Middleware
from ..tasks.registry import Registry


class Engine(Protocol):
    """A configuration, an open store, the tasks that may run, and what is wrapped around an attempt."""

    @property
    def config(self) -> Config: ...

    @property
    def backend(self) -> Backend: ...

    @property
    def registry(self) -> Registry: ...

    @property
    def layers(self) -> Sequence[Middleware]:
        """The middleware around every handler, outermost first."""
        ...

    @property
    def state(self) -> Any: ...

    def around_attempt(self, claim: Claim) -> AbstractContextManager[Any]:
        """Entered in the thread of the handler before it, left after it, also when it fails."""
        ...

    def close(self) -> None:
        """Disconnect."""
        ...
