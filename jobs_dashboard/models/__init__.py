"""What Django's database remembers: jobs, attempts, schedules, audit, tokens, the outbox. The store is the truth."""

from .api_token import ApiToken
from .attempt_record import AttemptRecord
from .job_record import JobRecord
from .operator_action import ActionTarget, OperatorAction
from .outbox_entry import OutboxEntry
from .recorder_cursor import RecorderCursor
from .schedule_record import ScheduleRecord

__all__ = [
    "ActionTarget",
    "ApiToken",
    "AttemptRecord",
    "JobRecord",
    "OperatorAction",
    "OutboxEntry",
    "RecorderCursor",
    "ScheduleRecord",
]
