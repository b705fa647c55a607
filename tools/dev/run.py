"""`./dev run`: everything a newcomer needs, from a bare checkout to a URL, and all of it gone at Ctrl-C."""

import argparse
import os
import signal
import subprocess
import time
from pathlib import Path

from . import account, address, environment, process, state
from .address import Address
from .console import Stop, say, step
from .ending import Ended, listen
from .interpreter import clean_environment
from .paths import LOGS, MAIL, ROOT, VAR
from .service import Guard, Service

START_SECONDS = 60.0
OTHER_START_SECONDS = 300.0
LEFTOVER_SECONDS = 12.0
# Workers may use so long to finish what they run, unless JOBS_GRACE_SECONDS says otherwise, and then a little longer to
# give the rest back: by default all is gone within 15 s of Ctrl-C.
WORKERS_GRACE_SECONDS = "7"
GIVE_BACK_SECONDS = 3.0
DEMO_MARK = VAR / "demo.started"


def run(options: argparse.Namespace) -> int:
    """`./dev run`."""
    right = state.take()
    if right is None:
        return _show_the_running_one()
    with right:
        listen()
        try:
            return _run(options)
        except Ended:
            return 0
        finally:
            state.clear()


def _run(options: argparse.Namespace) -> int:
    _end_leftovers()
    place = address.reserve()
    python = environment.ready_to_run()
    step("preparing the database")
    admin = account.prepare(python)
    guard = Guard()
    services = _services(python, place)
    try:
        for service in services:
            step(f"starting {service.name}")
            service.start(guard)
        state.write(state.State(processes=[service.process for service in services]))
        _wait_until_it_answers(place, services, guard)
        _demo(python, options, services)
        state.write(state.State(place.url, [service.process for service in services]))
        _announce(place, admin)
        _keep_going(place, services, guard)
    finally:
        _end(services, guard)
    return 0


def _services(python: Path, place: Address) -> list[Service]:
    settings = clean_environment(HOST=place.host, PORT=str(place.port))
    settings.pop("DJANGO_SUPERUSER_PASSWORD", None)
    settings.setdefault("JOBS_GRACE_SECONDS", WORKERS_GRACE_SECONDS)
    services = []
    if not any(name.startswith("EMAIL_") for name in os.environ):
        port = address.free_port()
        settings.update(EMAIL_HOST="127.0.0.1", EMAIL_PORT=str(port))
        program = str(Path(__file__).with_name("mailbox.py"))
        services.append(Service("mail", [str(python), program, str(port), str(MAIL)], clean_environment()))
    listening = place.socket.fileno()
    web = [str(python), "-m", "gunicorn", "jobs_dashboard.wsgi", "--bind", f"fd://{listening}"]
    web += ["--workers", "2", "--threads", "8", "--graceful-timeout", "5", "--no-control-socket"]
    services.append(Service("web", web, settings, keep_open=(listening,)))
    services.append(Service("workers", [str(python), "manage.py", "runworkers"], settings))
    return services


def _wait_until_it_answers(place: Address, services: list[Service], guard: Guard) -> None:
    step("waiting for the dashboard")
    deadline = time.monotonic() + START_SECONDS
    web = next(service for service in services if service.name == "web")
    while not place.answers():
        if time.monotonic() > deadline:
            raise Stop(f"the dashboard does not answer on {place.url}livez:\n{web.last_words()}\nSee {web.log}")
        _revive(services, guard)
        time.sleep(0.1)


def _demo(python: Path, options: argparse.Namespace, services: list[Service]) -> None:
    """Enqueue the demo, at the first start only unless it is asked for."""
    if options.no_demo or (DEMO_MARK.exists() and not options.demo):
        return
    step("starting the demo")
    web = next(service for service in services if service.name == "web")
    log = LOGS / "demo.log"
    with log.open("ab") as file:
        done = subprocess.run(
            [python, "manage.py", "rundemo"],
            cwd=ROOT,
            env=web.environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    if done.returncode:
        step(f"the demo could not be started; {log.relative_to(ROOT)} says why")
        return
    DEMO_MARK.touch()


def _announce(place: Address, admin: account.Account) -> None:
    say()
    if admin.password is not None:
        say(f"    Sign in as   {admin.username}")
        say(f"    password     {admin.password}      (shown this once; ./dev password makes a new one)")
    elif admin.result == "created":
        say(f"    Sign in as   {admin.username} with the password of DJANGO_SUPERUSER_PASSWORD")
    else:
        say(f"    Sign in as   {admin.username}      (./dev password makes a new password)")
    say("    Ctrl-C       ends all of it; logs are in var/log, received mail is in var/mail")
    say()
    step(f"Jobs Dashboard is ready: {place.url}")


def _keep_going(place: Address, services: list[Service], guard: Guard) -> None:
    while True:
        time.sleep(0.5)
        if _revive(services, guard):
            state.write(state.State(place.url, [service.process for service in services]))


def _revive(services: list[Service], guard: Guard) -> bool:
    """Start again what ended by itself; whether there was anything."""
    ended = [service for service in services if service.has_ended()]
    for service in ended:
        service.restart(guard)
    return bool(ended)


def _end(services: list[Service], guard: Guard) -> None:
    """End all services; a second signal meanwhile cuts the grace short."""
    say()
    step("stopping")
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    processes = [service.process for service in services]
    try:
        process.end(processes, grace_seconds=_grace_seconds())
    except Ended:
        process.end(processes, grace_seconds=0)
    for service in services:
        service.reap()
    guard.dismiss()
    step("stopped")


def _grace_seconds() -> float:
    told = os.environ.get("JOBS_GRACE_SECONDS", "")
    # What is not a number was refused by the workers; here it only must not stop the end.
    workers = float(told) if told.replace(".", "", 1).isdecimal() else float(WORKERS_GRACE_SECONDS)
    return workers + GIVE_BACK_SECONDS


def _end_leftovers() -> None:
    """End what a run that was killed has left; its guard is usually doing so already."""
    leftovers = [process for process in state.read().processes if process.is_alive()]
    if leftovers:
        step("ending what a killed run has left")
        process.end(leftovers, grace_seconds=LEFTOVER_SECONDS)
    state.clear()


def _show_the_running_one() -> int:
    """Say where the other one answers, waiting for it if it is still starting."""
    deadline = time.monotonic() + OTHER_START_SECONDS
    told = False
    while time.monotonic() < deadline:
        url = state.read().url
        if url:
            say(f"Jobs Dashboard is running already: {url}")
            return 0
        if not told:
            step("another ./dev run is starting; waiting for it")
            told = True
        time.sleep(0.5)
    raise Stop("another ./dev run is starting and does not get ready")
