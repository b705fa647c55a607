"""From an older schema to the newest: asked without touching it, told by number, with what it held."""

from collections.abc import Callable

import pytest

from core.app import Jobs
from core.backends.opener import Upgrade, open_backend, schema_of, upgrade
from core.backends.postgres.statements import Statements
from core.errors import StoreUnavailable
from core.model.job import NewJob
from core.model.states import State

MakeJob = Callable[..., NewJob]


@pytest.fixture
def newest() -> int:
    return Statements("any").migrations()[-1].number


@pytest.fixture
def old(url: str, make_job: MakeJob) -> NewJob:
    """A store as the first version left it, with the number of a schema and nothing that came later."""
    steps = Statements.migrations
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Statements, "migrations", lambda sql: steps(sql)[:1])
        open_backend(url).close()
    return make_job()


def test_looking_makes_nothing(url: str, newest: int) -> None:
    assert schema_of(url) == (0, newest)
    assert schema_of(url) == (0, newest)


def test_an_old_store_is_brought_to_the_newest_schema(url: str, old: NewJob, newest: int) -> None:
    assert schema_of(url) == (1, newest)

    done = upgrade(url)
    assert (done.before, done.after) == (1, newest)
    assert (schema_of(url), Jobs.migrate(url)) == ((newest, newest), Upgrade(done.url, newest, newest))

    store = open_backend(url)
    store.enqueue([old])
    assert store.counts()[0].states[State.PENDING] == 1
    store.close()


def test_a_new_store_is_made(url: str, newest: int) -> None:
    assert Jobs.migrate(url)[1:] == (0, newest)


def test_a_server_that_is_away_is_told_and_no_password_with_it() -> None:
    with pytest.raises(StoreUnavailable, match="cannot be reached") as told:
        upgrade("postgres://jobs:secret@127.0.0.1:1/shop")

    assert "secret" not in str(told.value)
