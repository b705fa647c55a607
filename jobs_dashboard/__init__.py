"""The one door of users: `from jobs_dashboard import task, Retry, jobs, …`. Imports no Django."""

from core.app import Jobs, jobs
from core.errors import (
    Cancelled,
    Conflict,
    InvalidArguments,
    InvalidInput,
    JobNotFound,
    JobsError,
    LeaseLost,
    PayloadTooLarge,
    PermanentError,
    ResultUnavailable,
    Snooze,
    StoreError,
    StoreFull,
    StoreUnavailable,
    TemporaryError,
    UnknownTask,
)
from core.model.cron import Daily, Every, Monthly, Weekly
from core.model.retry import Retry
from core.model.snapshot import JobSnapshot
from core.model.states import State
from core.search import Search
from core.tasks.compose import chain
from core.tasks.context import JobContext
from core.tasks.declare import schedule, task
from core.tasks.handle import JobHandle
from core.tasks.limit import Limit, Rate, day, hour, minute, second
from core.tasks.request import JobRequest
from core.tasks.task import Task

__version__ = "0.1.0"

__all__ = [
    "Cancelled",
    "Conflict",
    "Daily",
    "Every",
    "InvalidArguments",
    "InvalidInput",
    "JobContext",
    "JobHandle",
    "JobNotFound",
    "JobRequest",
    "JobSnapshot",
    "Jobs",
    "JobsError",
    "LeaseLost",
    "Limit",
    "Monthly",
    "PayloadTooLarge",
    "PermanentError",
    "Rate",
    "ResultUnavailable",
    "Retry",
    "Search",
    "Snooze",
    "State",
    "StoreError",
    "StoreFull",
    "StoreUnavailable",
    "Task",
    "TemporaryError",
    "UnknownTask",
    "Weekly",
    "chain",
    "day",
    "hour",
    "jobs",
    "minute",
    "schedule",
    "second",
    "task",
]
