"""The bounds of what may come in, in one place; every door and every store uses these."""

from __future__ import annotations

import re
from typing import Final

QUEUE_NAME: Final = re.compile(r"(?=.{1,64}\Z)[A-Za-z0-9][A-Za-z0-9_.-]*(@[1-9][0-9]{0,2})?")
MAX_QUEUE_CHARS: Final = 64  # with the number of its partition
QUEUE_FORM: Final = "a letter or digit, then up to 63 letters, digits, dots, dashes or underscores"
TASK_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,199}")
TASK_FORM: Final = "a letter, then up to 199 letters, digits, dots, colons, dashes or underscores"

MAX_PAYLOAD_BYTES: Final = 256 * 1024
MAX_RESULT_BYTES: Final = 256 * 1024
MAX_TEXT_BYTES: Final = 64 * 1024  # tracebacks and logs: cut, never refused
MAX_METADATA_BYTES: Final = 4 * 1024
MAX_CHECKPOINT_BYTES: Final = 64 * 1024
MAX_PROGRESS_CHARS: Final = 200  # of its message: with the numbers below 1 KiB, whatever the characters
MAX_NESTING: Final = 64
MAX_UNIQUE_KEY_CHARS: Final = 200
MAX_GATE_CHARS: Final = 200
MAX_GATE_COUNT: Final = 1_000_000
MAX_NEEDLES: Final = 8  # of one search
MAX_REASON_CHARS: Final = 500
MIN_PRIORITY: Final = -100
MAX_PRIORITY: Final = 100
MAX_ATTEMPTS: Final = 10_000
MAX_DELAY_DAYS: Final = 3_660  # ten years: beyond it a time is a mistake
KEPT_ATTEMPT_LINES: Final = 10
KEPT_OPERATIONS: Final = 4  # of each job: sent again after as many others, an operation would act again
PROMOTED_PER_EXCHANGE: Final = 100
TURNED_AWAY_PER_EXCHANGE: Final = 200  # jobs that a claim may find at a closed gate before it gives up
TOLD_TASKS: Final = 10  # names of tasks that an exchange tells somebody waits for
