"""What Django's database remembers of jobs: metadata, attempts, schedules, audit, tokens. The store is the truth."""

from .api_token import ApiToken
from .attempt_record import AttemptRecord
from .job_record import JobRecord
from .operator_action import ActionTarget, OperatorAction
from .recorder_cursor import RecorderCursor
from .schedule_record import ScheduleRecord

__all__ = [
    "ActionTarget",
    "ApiToken",
    "AttemptRecord",
    "JobRecord",
    "OperatorAction",
    "RecorderCursor",
    "ScheduleRecord",
]
