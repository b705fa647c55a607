"""The one door from the pages to the store's readers and the engine's settings."""

from __future__ import annotations

from core.backends.contract import Backend, QueueCounts
from core.config import Config
from jobs_dashboard.bridge.configuration import configuration
from jobs_dashboard.bridge.wiring import current_backend

Counted = QueueCounts


def readers() -> Backend:
    """The store, of which pages call readers only. Raises StoreUnavailable within two seconds."""
    return current_backend()


def config() -> Config:
    """The engine's settings; they can be read while the store is down."""
    return configuration()
