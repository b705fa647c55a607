"""Where the file lies: private when new, missed when gone, never made anew under a living process."""

import sqlite3
from pathlib import Path

import pytest

from core.backends.sqlite.backend import SqliteBackend, open_url
from core.errors import ConfigError, StoreUnavailable

from .conftest import MakeJob


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_files_are_private(store: SqliteBackend, path: Path, make_job: MakeJob):
    store.enqueue([make_job()])
    assert {file.name: mode(file) for file in path.parent.iterdir()} == {
        "jobs.sqlite3": 0o600,
        "jobs.sqlite3-shm": 0o600,
        "jobs.sqlite3-waiting": 0o600,
        "jobs.sqlite3-wal": 0o600,
    }


def test_missing_folders_are_made_private(tmp_path: Path):
    path = tmp_path / "a" / "b" / "jobs.sqlite3"
    store = SqliteBackend(path)
    store.open()
    store.close()
    assert [mode(path.parent), mode(path.parent.parent)] == [0o700, 0o700]


def test_a_mode_that_an_operator_chose_stays(path: Path):
    path.parent.mkdir()
    path.touch(mode=0o640)
    path.chmod(0o640)
    store = SqliteBackend(path)
    store.open()
    store.close()
    assert mode(path) == 0o640


def test_making_the_object_touches_nothing(path: Path):
    SqliteBackend(path)
    assert not path.parent.exists()


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////var/lib/jobs.sqlite3", "/var/lib/jobs.sqlite3"),
        ("sqlite:////var/lib/my%20jobs.sqlite3", "/var/lib/my jobs.sqlite3"),
        ("sqlite:///jobs.sqlite3", str(Path.cwd() / "jobs.sqlite3")),
    ],
)
def test_url_names_a_path(url: str, path: str):
    assert open_url(open_url(url).url).url == SqliteBackend(path).url


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://jobs.sqlite3",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///jobs.sqlite3?timeout=3",
        "sqlite:///jobs.sqlite3?synchronous=maybe",
    ],
)
def test_url_that_cannot_work_is_refused_with_what_would(url: str):
    with pytest.raises(ConfigError, match=r"sqlite:///|memory://|synchronous|one of"):
        open_url(url)


def test_path_with_marks_of_a_url_is_one_file(tmp_path: Path, make_job: MakeJob):
    path = tmp_path / "a?mode=memory#b%20.sqlite3"
    store = SqliteBackend(path)
    store.open()
    store.enqueue([make_job()])
    store.close()
    assert path.stat().st_size > 0
    assert store.url == f"sqlite:///{tmp_path}/a%3Fmode%3Dmemory%23b%2520.sqlite3"


def test_file_removed_under_a_living_store_is_told_and_not_made_anew(
    store: SqliteBackend, path: Path, make_job: MakeJob
):
    store.enqueue([make_job()])
    for file in path.parent.iterdir():
        file.unlink()
    for verb in (lambda: store.enqueue([make_job()]), store.counts, store.ping, lambda: store.wait(["mail"], 0.1)):
        with pytest.raises(StoreUnavailable, match="removed or replaced"):
            verb()
    store.close()
    with pytest.raises(StoreUnavailable, match="removed or replaced"):
        store.open()
    assert not path.exists()


def test_file_replaced_under_a_living_store_is_not_written_to(store: SqliteBackend, path: Path, make_job: MakeJob):
    path.rename(path.with_suffix(".old"))
    path.touch()
    with pytest.raises(StoreUnavailable, match="removed or replaced"):
        store.enqueue([make_job()])
    assert path.stat().st_size == 0


def test_file_put_back_is_used_again(store: SqliteBackend, path: Path, make_job: MakeJob):
    aside = path.with_suffix(".aside")
    path.rename(aside)
    with pytest.raises(StoreUnavailable):
        store.ping()
    aside.rename(path)
    assert store.enqueue([make_job()])[0].created


def test_folder_that_cannot_be_made_is_told_in_a_sentence(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="cannot create"):
        SqliteBackend(tmp_path / "file" / "jobs.sqlite3").open()


def test_database_of_another_application_is_left_alone(path: Path):
    path.parent.mkdir()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE customers (name TEXT)")
    other.close()
    with pytest.raises(StoreUnavailable, match="another application"):
        SqliteBackend(path).open()
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("customers",)]
    other.close()


def test_a_store_that_is_not_open_says_so(path: Path, make_job: MakeJob):
    store = SqliteBackend(path)
    with pytest.raises(StoreUnavailable, match=r"call open\(\)"):
        store.enqueue([make_job()])
    store.open()
    store.close()
    store.close()
    with pytest.raises(StoreUnavailable, match=r"call open\(\)"):
        store.counts()
    store.open()
    assert store.enqueue([make_job()])[0].created
    store.close()
