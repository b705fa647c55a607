"""What the commands share: help that keeps its lines, and exit codes that scripts can rely on."""

from __future__ import annotations

import argparse
import json
import re
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter
from django.db import DatabaseError

from core.errors import ConfigError, Conflict, InvalidInput, JobNotFound, StoreError

NOTHING = 1  # nothing to act on, or a job that had moved on
USAGE = 2  # what was asked for cannot be
UNREACHABLE = 3  # the store, or Django's database, did not answer

# What JSON lets stand and a terminal obeys; escaped, it is the same JSON.
_UNSEEN = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

EXIT_CODES = """\
exit codes:
  0  done
  1  there was nothing to act on, or a job had moved on
  2  what was asked for cannot be (a bad option, payload, queue or task)
  3  the store cannot be reached, or is full
"""


class LineKeepingFormatter(DjangoHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Examples and tables keep their lines."""


class JobsCommand(BaseCommand):
    """Errors of the engine become one sentence and an exit code. `epilog` follows the options in --help."""

    requires_system_checks: list[str] = []
    epilog = EXIT_CODES

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        shaped = {"epilog": self.epilog, "formatter_class": LineKeepingFormatter}
        return super().create_parser(prog_name, subcommand, **(shaped | kwargs))

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except (InvalidInput, ConfigError) as error:
            raise CommandError(str(error), returncode=USAGE) from error
        except (JobNotFound, Conflict) as error:
            raise CommandError(str(error), returncode=NOTHING) from error
        except StoreError as error:
            raise CommandError(f"the store did not do it: {error}", returncode=UNREACHABLE) from error
        except DatabaseError as error:
            told = f"Django's database did not do it ({error}); was `manage.py migrate` run?"
            raise CommandError(told, returncode=UNREACHABLE) from error

    def print_json(self, data: Any) -> None:
        told = json.dumps(data, ensure_ascii=False, indent=2)
        self.stdout.write(_UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", told))


def whole_number(least: int, most: int) -> Any:
    """An argparse type."""

    def read(text: str) -> int:
        if not text.lstrip("-").isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} to {most}")
        return int(text)

    return read
