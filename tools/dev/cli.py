"""The commands of `./dev` and their options."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from . import bench, chaos, check, environment, lock, password, plans, reset, run, screenshots, smoke, testing
from .console import Stop, complain
from .paths import ROOT

Command = Callable[[argparse.Namespace], int]

DESCRIPTION = """\
Builds, runs and checks this checkout. Everything it makes is in .venv and var/.
"""
EPILOG = """\
environment:
  HOST, PORT                   where `run` listens (127.0.0.1 and the first free port from 8000)
  DJANGO_SUPERUSER_USERNAME,
  DJANGO_SUPERUSER_PASSWORD    the first administrator (admin, with a password that is printed once)
  EMAIL_HOST and the other
  EMAIL_* settings             where mail goes (a mail box under var/mail)
  PIP_*, HTTPS_PROXY, pip.conf how packages are fetched
  DEV_PYTHON                   the Python to use (the newest from 3.11 on)
  REDIS_SERVER, CHROMIUM       the programs that tests run on

exit codes: 0 done; 1 failed; 2 what was typed or set cannot be done
"""


def main(arguments: Sequence[str]) -> int:
    """Run one command; its exit code."""
    options = _parse(list(arguments) or ["help"])
    os.chdir(ROOT)
    try:
        command: Command = options.command
        return command(options)
    except Stop as stop:
        complain(f"dev: {stop}")
        return stop.code
    except KeyboardInterrupt:
        complain("dev: interrupted")
        return 130


def _parse(arguments: list[str]) -> argparse.Namespace:
    """The options; what ./dev does not know is an error, but for a command that hands it on."""
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    if rest and not hasattr(options, "rest"):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    options.rest = rest
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./dev",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    command = _add(commands, "run", run.run, "start everything: dashboard, workers, mail box, demo")
    command.add_argument("--demo", action="store_true", help="enqueue the demo again; it comes by itself once")
    command.add_argument("--no-demo", action="store_true", help="leave the demo out")

    command = _add(commands, "test", testing.test, "run the test suites, fetching the servers they need")
    command.add_argument("suites", nargs="*", metavar="NAME", help=f"of: {', '.join(testing.NAMES)}")
    command.add_argument("--all", action="store_true", help="on every Python found from 3.11 to 3.14")

    command = _add(commands, "check", check.check, "format, lint, types, import rules, sizes")
    command.add_argument("checks", nargs="*", metavar="NAME", help=f"of: {', '.join(check.NAMES)}")

    command = _add(commands, "install", environment.install, "only prepare .venv")
    command.add_argument("--dev", action="store_true", help="with what check and test need")

    command = _add(commands, "password", password.password, "set a new password for an administrator and print it")
    command.add_argument("name", nargs="?", help="default: DJANGO_SUPERUSER_USERNAME or admin")

    command = _add(commands, "reset", reset.reset, "remove the data under var/ (jobs, accounts, mail, logs)")
    command.add_argument("--yes", action="store_true", help="do not ask")

    command = _add(
        commands, "chaos", chaos.chaos, "inject every fault at full size (about an hour); --scale, --seed, --row"
    )
    command.set_defaults(rest=[])

    command = _add(
        commands, "bench-stores", bench.stores, "measure the stores alone; --stores, --rows, --rounds, --json, --out"
    )
    command.set_defaults(rest=[])

    command = _add(commands, "plans", plans.plans, "test what statements of the SQL stores read in large tables")
    command.add_argument("--rows", type=int, default=plans.ROWS, help=f"jobs in the tables (default {plans.ROWS:,})")

    command = _add(commands, "screenshots", screenshots.screenshots, "picture every page; options go to the program")
    command.set_defaults(rest=[])

    command = _add(commands, "smoke", smoke.smoke, "start a fresh copy twice, the second time offline")
    command.add_argument("--no-demo", action="store_true", help="do not wait for the demo")

    _add(commands, "lock", lock.lock, "write the lock files anew from requirements*.txt")
    _add(commands, "help", lambda _: _help(parser), "this text")
    return parser


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, command: Command, about: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=about, description=about, allow_abbrev=False)
    parser.set_defaults(command=command)
    return parser


def _help(parser: argparse.ArgumentParser) -> int:
    parser.print_help(sys.stdout)
    return 0
