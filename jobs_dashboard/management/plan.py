"""From a command line to the plan of the processes that run jobs."""

from __future__ import annotations

from typing import Any

from core.model.payload import check_text
from core.worker.plan import Plan
from core.worker.shares import read_queues, split_queues
from jobs_dashboard.bridge.attempts import close_connections
from jobs_dashboard.bridge.configuration import configuration, require_shared
from jobs_dashboard.bridge.duties import DUTIES
from jobs_dashboard.bridge.wiring import isolated_jobs, workers_jobs

MAX_NAME_CHARS = 100


def plan_for(
    *,
    queues: str = "",
    processes: int | None = None,
    concurrency: int | None = None,
    name: str = "",
    **rest: Any,
) -> Plan:
    """Raises InvalidInput for names that cannot be, ImproperlyConfigured for settings that cannot."""
    config = configuration()
    require_shared(config)
    served = read_queues(split_queues(queues), path="--queues")
    return Plan(
        make_jobs=workers_jobs,
        make_isolated=isolated_jobs,
        config=config,
        queues=served.names,
        shares=served.shares,
        processes=processes or 1,
        concurrency=concurrency or config.worker_count,
        name=check_text(name, path="--name", limit=MAX_NAME_CHARS),
        duties=DUTIES,
        before_fork=close_connections,
        **rest,
    )
