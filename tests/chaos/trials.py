"""The faults that are injected here: kills, stops, signals, schedulers, links that are cut."""

import os
import re
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from core.app import Jobs
from core.backends.opener import open_backend
from core.errors import StoreUnavailable
from core.model.ident import IdMaker
from core.model.job import NewJob
from core.model.payload import pack_arguments
from core.model.snapshot import JobSnapshot
from core.model.states import State
from tests.chaos.field import STORES, Field
from tests.chaos.finding import Finding, told
from tests.faults import ledger
from tests.faults.application import open_jobs
from tests.faults.campaign import Campaign
from tests.faults.checker import Kill
from tests.faults.failpoints import POINTS
from tests.faults.fleet import Fleet, children, wait_until
from tests.redis_proxy import Proxy
from tests.simulation.bugs import BUGS
from tests.simulation.history import simulate

LEASE_S = 2.0
RESUME_S = 5.0 * 5  # a promise of five seconds, with an allowance of five times
T = TypeVar("T")
SHARES = {"in rescue": 0.7, "in the hot verb": 0.1, "after claim": 0.3, "before settle": 0.15, "after settle": 0.15}
OPTIONS = ("--processes", "2", "--concurrency", "8", "--lease", str(LEASE_S))


def killed(field: Field) -> Finding:
    """10,000 jobs and 200 kills for each durable store."""
    finding = Finding("kills")
    parts = []
    for store in STORES:
        url = field.store(store)
        fleet, jobs = field.fleet(url, *OPTIONS), open_jobs(url, lease_s=LEASE_S)
        fleet.start_and_wait(workers=2)
        campaign = Campaign(fleet, jobs, field.chance, LEASE_S)
        campaign.run(field.size(10_000, least=200), field.size(200, least=6))
        campaign.settle_down(120)
        verdict = campaign.verdict()
        finding.add(verdict, len(campaign.kills))
        parts.append(f"{store} {verdict.hits} hits, {told(verdict.recoveries)}")
        finding.tried += len(campaign.kills)
        finding.held += 0 if verdict.violations else len(campaign.kills)
        fleet.close()
        jobs.close()
    finding.figure = "; ".join(parts)
    return finding


def failpoints(field: Field) -> Finding:
    """A process that dies at each named point, again and again."""
    finding = Finding("deaths")
    for point in POINTS:
        url = field.store("sqlite")
        fleet, jobs = field.fleet(url, *OPTIONS), open_jobs(url, lease_s=LEASE_S)
        share = SHARES.get(point, 0.05)
        fleet.start_and_wait("--failpoints", f"{point}={share}", workers=1)
        campaign = Campaign(fleet, jobs, field.chance, LEASE_S)
        campaign.enqueue(field.size(400, least=60))
        if point == "in rescue":
            wait_until(lambda fleet=fleet: ledger.read(fleet.ledger), seconds=20, what="handlers")
            workers = children(fleet.processes[-1].pid, "jobs-worker")
            os.killpg(fleet.processes[-1].pid, signal.SIGKILL)
            campaign.kills += [Kill(pid, "host", time.time()) for pid in workers]
            fleet.start("--failpoints", f"{point}={share}")
        campaign.settle_down(90)
        campaign.note_deaths()
        if point not in {kill.role for kill in campaign.kills}:
            finding.violations.append(f"nobody died {point}: this shows nothing")
        verdict = campaign.verdict()
        finding.add(verdict, len(campaign.kills))
        finding.tried += len(campaign.kills)
        finding.held += 0 if verdict.violations else len(campaign.kills)
        fleet.close()
        jobs.close()
    finding.figure = f"{len(POINTS)} points, SQLite; {told(finding.recoveries)}"
    return finding


def zombies(field: Field) -> Finding:
    """Workers and whole groups stopped past their leases; others take over; then they go on."""
    finding = Finding("stops")
    url = field.store("sqlite")
    jobs = open_jobs(url, lease_s=LEASE_S)
    fleet = field.fleet(url, *OPTIONS)
    for _ in range(2):
        fleet.start_and_wait(workers=2)
    campaign = Campaign(fleet, jobs, field.chance, LEASE_S)
    for number in range(field.size(40, least=2)):
        campaign.enqueue(50)
        time.sleep(field.chance.uniform(0.05, 0.3))
        _stop_and_go_on(campaign, number)
        finding.tried += 1
    campaign.settle_down(60)
    for process in fleet.processes:
        process.terminate()
        process.wait(60)
    verdict = campaign.verdict()
    finding.add(verdict, 0)
    finding.held = 0 if verdict.violations else finding.tried
    finding.refused = sum(map(int, re.findall(r"worker stopped +lost=(\d+)", fleet.log)))
    finding.figure = f"{finding.refused} stale settles refused and counted, {verdict.hits} jobs run by others"
    jobs.close()
    return finding


def _stop_and_go_on(campaign: Campaign, number: int) -> None:
    supervisor = campaign.chance.choice(campaign.fleet.processes)
    workers = children(supervisor.pid, "jobs-worker")
    is_group = number % 2 == 1
    victims = workers if is_group else [campaign.chance.choice(workers)]
    campaign.kills += [Kill(pid, "stopped", time.time(), frozenset(campaign.fleet.isolated())) for pid in victims]
    signalled = [supervisor.pid] if is_group else victims
    send = os.killpg if is_group else os.kill
    for pid in signalled:
        send(pid, signal.SIGSTOP)
    time.sleep(2.5 * LEASE_S)
    for pid in signalled:
        send(pid, signal.SIGCONT)


def signals(field: Field) -> Finding:
    """TERM and INT while starting and while busy."""
    finding = Finding("signals")
    url = field.store("sqlite")
    jobs = open_jobs(url, lease_s=LEASE_S)
    fleet = field.fleet(url, "--processes", "1", "--lease", str(LEASE_S))
    took = []
    for number in range(field.size(200, least=4)):
        jobs.enqueue_many([jobs.client.request("nap", {"seconds": 0.05})] * 4)
        process, seen = fleet.start(), fleet.log.count("supervisor started") if number else 0
        wait_until(lambda seen=seen: fleet.log.count("supervisor started") > seen, seconds=30, what="a supervisor")
        busy = len(ledger.read(fleet.ledger))
        if number % 2:
            wait_until(lambda busy=busy: len(ledger.read(fleet.ledger)) > busy, seconds=30, what="a handler")
        time.sleep(field.chance.randrange(10) * 0.01)
        began = time.monotonic()
        os.kill(process.pid, field.chance.choice([signal.SIGTERM, signal.SIGINT]))
        finding.tried += 1
        finding.held += process.wait(60) == 0
        took.append(time.monotonic() - began)
    running = sum(counts.states.get(State.RUNNING, 0) for counts in jobs.stats())
    if "Traceback" in fleet.log:
        finding.violations.append("a traceback in the log")
    if running or fleet.survivors():
        finding.violations.append(f"{running} jobs left running, {len(fleet.survivors())} processes left")
    finding.figure = f"ended after {told(took)}"
    jobs.close()
    return finding


def schedulers(field: Field) -> Finding:
    """Five schedulers, one tick each second, while they are killed and stopped."""
    finding = Finding("ticks")
    for store in STORES:
        url = field.store(store)
        jobs, fleet = open_jobs(url), field.fleet(url, "--ticking")
        fleet.start_and_wait("--processes", "1")
        for _ in range(5):
            fleet.start("--no-workers")
        wait_until(lambda fleet=fleet: fleet.log.count("services started") >= 6, seconds=40, what="schedulers")
        for _ in range(field.size(30, least=3)):
            victim = field.chance.choice(fleet.processes[1:])
            pids = children(victim.pid, "jobs-services")
            if pids:
                _trouble(pids[0], field)
            time.sleep(field.chance.uniform(0.3, 1.0))
        fleet.processes[0].terminate()
        fleet.processes[0].wait(30)
        runs = ledger.read(fleet.ledger)
        ticks = [int.from_bytes(job.stored.ref.raw[:6], "big") for job in _all(jobs)]
        finding.tried += len(ticks)
        finding.held += len(set(ticks))
        if any(len(some) > 1 for some in runs.values()):
            finding.violations.append(f"{store}: a tick ran twice")
        fleet.close()
        jobs.close()
    finding.figure = "five schedulers, killed and stopped, on each durable store"
    return finding


def _trouble(pid: int, field: Field) -> None:
    with suppress(ProcessLookupError):
        if field.chance.random() < 0.5:
            os.kill(pid, signal.SIGKILL)
            return
        os.kill(pid, signal.SIGSTOP)
        time.sleep(field.chance.uniform(0.2, 1.5))
        os.kill(pid, signal.SIGCONT)


def _all(jobs: Jobs) -> Sequence[JobSnapshot]:
    return [job for state in State for job in jobs.recent(limit=200, state=state)]


def lost_replies(field: Field) -> Finding:
    """Replies dropped after the commit; the producer sends the same jobs again."""
    finding = Finding("lost replies")
    server = field.redis()
    with Proxy(server.port) as proxy:
        store = open_backend(f"redis://127.0.0.1:{proxy.port}/0")
        ids = IdMaker()
        for _ in range(field.size(2_000, least=20)):
            job = NewJob(queue="default", raw=ids.next(), task="nap", arguments=pack_arguments({"seconds": 0}))
            _insist(store.ping)
            proxy.cut_after = 0
            receipt = _insist(lambda job=job: store.enqueue([job]))[0]
            finding.tried += 1
            finding.held += receipt.ref == job.ref
        there = sum(sum(counts.states.values()) for counts in _insist(store.counts))
        store.close()
    if there != finding.tried:
        finding.violations.append(f"{finding.tried} jobs were sent, {there} are there")
    finding.figure = f"{there} jobs of {finding.tried}, {proxy.cuts} replies dropped, Redis"
    return finding


def cuts(field: Field) -> Finding:
    """Every connection of a fleet cut at once, again and again."""
    finding = Finding("cuts")
    server = field.redis(appendonly="yes", appendfsync="always")
    with Proxy(server.port) as proxy:
        jobs = open_jobs(server.url, lease_s=LEASE_S)
        fleet = field.fleet(f"redis://127.0.0.1:{proxy.port}/0", *OPTIONS)
        fleet.start_and_wait(workers=2)
        campaign = Campaign(fleet, jobs, field.chance, LEASE_S)
        took = []
        for _ in range(field.size(200, least=5)):
            campaign.enqueue(20)
            time.sleep(field.chance.uniform(0, 0.1))
            proxy.cut_all()
            campaign.enqueue(1)
            newest = next(reversed(campaign.expected))
            took.append(wait_until(lambda job=newest: _has_run(fleet, job), seconds=RESUME_S, what="work going on"))
            finding.tried += 1
        campaign.settle_down(60)
        verdict = campaign.verdict()
    finding.add(verdict, 0)
    finding.held = 0 if verdict.violations else finding.tried
    finding.figure = f"work went on after {told(took)}, Redis"
    jobs.close()
    return finding


def _has_run(fleet: Fleet, job: str) -> bool:
    return fleet.ledger.exists() and job.encode() in fleet.ledger.read_bytes()


def _insist(act: Callable[[], T]) -> T:
    until = time.monotonic() + RESUME_S
    while True:
        try:
            return act()
        except StoreUnavailable:
            if time.monotonic() > until:
                raise
            time.sleep(0.002)


def histories(field: Field) -> Finding:
    """2,000 histories in virtual time."""
    finding = Finding("histories")
    first, facts, began = field.chance.randrange(1 << 32), {}, time.monotonic()
    for seed in range(first, first + field.size(2_000, least=100)):
        outcome = simulate(seed)
        finding.tried += 1
        finding.held += not outcome.violations
        finding.violations += [f"seed {seed}: {violation}" for violation in outcome.violations]
        for what, count in outcome.facts.items():
            facts[what] = facts.get(what, 0) + count
    finding.figure = (
        f"{facts['jobs']:,} jobs, {facts['kills']:,} kills, {facts['replies lost']:,} lost replies in virtual time, "
        f"{time.monotonic() - began:.0f} s"
    )
    return finding


def planted_bugs(field: Field) -> Finding:
    """Each must be caught."""
    finding = Finding("planted bugs", tried=len(BUGS))
    for bug in BUGS:
        if any(simulate(seed, bug).violations for seed in range(400)):
            finding.held += 1
        else:
            finding.violations.append(f"{bug} was not caught")
    finding.figure = f"caught {finding.held} of {finding.tried}"
    return finding
