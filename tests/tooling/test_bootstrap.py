"""A pip is found for a Python without ensurepip, from whatever index the machine is set up with."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.dev import bootstrap
from tools.dev.console import Stop

WHEEL = b"a wheel"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A small index on loopback, with a pip whose hash is the expected one."""
    folder = tmp_path / "index"
    (folder / "simple/pip").mkdir(parents=True)
    (folder / "files").mkdir()
    (folder / "files" / bootstrap.WHEEL).write_bytes(WHEEL)
    page = f'<a href="../../files/{bootstrap.WHEEL}#sha256=x">{bootstrap.WHEEL}</a>'
    (folder / "simple/pip/index.html").write_text(page, encoding="utf-8")
    monkeypatch.setattr(bootstrap, "WHEEL_SHA256", hashlib.sha256(WHEEL).hexdigest())
    monkeypatch.setattr(bootstrap, "KEPT", tmp_path / "kept")
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, directory=str(folder), **options)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/simple"
    server.shutdown()
    server.server_close()


def test_pip_comes_from_the_index_of_the_environment(index: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", index)
    wheel = bootstrap._from_index()
    assert wheel is not None
    assert wheel.read_bytes() == WHEEL


def test_pip_comes_from_the_index_of_pip_conf(index: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "pip.conf"
    config.write_text(f"[global]\nindex-url = {index}/\n", encoding="utf-8")
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    wheel = bootstrap._from_index()
    assert wheel is not None
    assert wheel.read_bytes() == WHEEL


def test_a_proxy_is_asked(index: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://index.invalid/simple")
    monkeypatch.setenv("http_proxy", index.removesuffix("/simple"))
    # The small server sees the whole address as a path and has nothing there: an answer, not a failed look-up.
    assert bootstrap._from_index() is None


def test_another_file_than_the_expected_one_is_refused(index: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", index)
    monkeypatch.setattr(bootstrap, "WHEEL_SHA256", "0" * 64)
    assert bootstrap._from_index() is None
    assert not bootstrap.KEPT.exists()


def test_without_any_pip_there_is_one_command_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("_bundled_with", "_newest", "_of_another_python", "_from_index", "_from_debian"):
        monkeypatch.setattr(bootstrap, place, lambda *_: None)
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(Stop, match="type sudo apt-get install python3-venv"):
        bootstrap._wheel(Path("python"))
