"""Scripts touch what they declare, declare one slot, and run in both of their forms."""

import re
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import redis

from core.backends.redis.backend import RedisBackend
from core.backends.redis.keys import QUEUE_KEYS, STORE_KEYS
from core.backends.redis.scripts import load_scripts
from core.model.states import State
from tests.servers import RedisServer

from .conftest import Opener, job, walk_all_verbs, work

SCRIPTS = load_scripts(with_flags=True)
KEYLESS = {"TIME"}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_declares_keys_of_one_kind(name: str):
    kinds = {
        "queue" if key in QUEUE_KEYS else "store" if key in STORE_KEYS else "unknown" for key in SCRIPTS[name].keys
    }
    assert kinds in ({"queue"}, {"store"})


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_verb_declares_the_keys_that_its_own_text_names(name: str):
    script = SCRIPTS[name]
    own = script.text.rpartition("-- keys:")[2]
    named = set(re.findall(r"K\.(\w+)", own))
    assert named <= set(script.keys)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_never_lists_keys_or_scans_a_list(name: str):
    assert not re.search(r"'(KEYS|SCAN|LREM|LRANGE|SORT)'", SCRIPTS[name].text)


def test_only_what_brings_jobs_in_is_refused_when_memory_is_full():
    refused = {name for name, script in SCRIPTS.items() if "allow-oom" not in script.text.partition("\n")[0]}
    assert refused == {"enqueue", "adopt"}


class Monitor:
    """Writes down what the server runs: who ran it ("lua" for a script), and its words."""

    _WORD = re.compile(r'"((?:[^"\\]|\\.)*)"')

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=10)
        self._stream = self._socket.makefile("rb")
        self._socket.sendall(b"MONITOR\r\n")
        assert self._stream.readline() == b"+OK\r\n"

    def until(self, mark: str) -> Iterator[tuple[str, list[str]]]:
        """What was run before a command that is `mark` alone."""
        for line in self._stream:
            head, _, rest = line.decode().partition("] ")
            words = self._WORD.findall(rest)
            if words == ["ECHO", mark]:
                break
            yield head.rpartition(" ")[2], words
        self._stream.close()
        self._socket.close()


def test_commands_inside_scripts_touch_only_declared_keys(form: str, open_store: Opener, raw_client, redis_server: str):
    store = open_store(redis_server)
    monitor = Monitor(redis_server)
    walk_all_verbs(store)
    ran: set[str] = set()
    digests = {
        script.digest: name for flags in (True, False) for name, script in load_scripts(with_flags=flags).items()
    }
    declared: set[str] = set()
    inside = 0
    raw_client.echo("over")
    for kind, words in monitor.until("over"):
        if words[0].upper() == "EVALSHA":
            ran.add(digests[words[1]])
            declared = set(words[3 : 3 + int(words[2])])
        elif kind == "lua" and words[0].upper() not in KEYLESS:
            inside += 1
            assert words[1] in declared, words
    assert inside > 300
    assert ran == set(SCRIPTS), "the walk through all verbs misses a script"


@pytest.fixture(scope="module")
def cluster_server() -> Iterator[RedisServer]:
    """A cluster of one, which holds every slot but refuses a command or script that spans two."""
    with RedisServer(cluster_enabled="yes") as server, redis.Redis.from_url(server.url) as client:
        client.execute_command("CLUSTER", "ADDSLOTS", *range(16384))
        while b"cluster_state:ok" not in client.execute_command("CLUSTER", "INFO"):
            pass
        yield server


def test_every_verb_stays_in_one_slot(form: str, open_store: Opener, cluster_server: RedisServer):
    with redis.Redis.from_url(cluster_server.url) as client:
        client.flushall()
    walk_all_verbs(open_store(cluster_server.url))


def test_flushed_scripts_are_loaded_again(store: RedisBackend, raw_client: redis.Redis):
    ref = store.enqueue([job()])[0].ref
    raw_client.script_flush()
    [claim] = work(store, want=1).claims
    assert claim.ref == ref
    raw_client.script_flush()
    assert [counts.states[State.RUNNING] for counts in store.counts()] == [1]
    raw_client.script_flush()
    assert len(store.enqueue([job("a"), job("b")])) == 2


def test_a_store_that_was_never_opened_loads_its_scripts(raw_client, redis_server: str):
    backend = RedisBackend(redis_server)
    assert backend.enqueue([job()])[0].created
    backend.close()
