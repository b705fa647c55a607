"""Which files count, and when one has changed."""

import os
from pathlib import Path

from core.worker.reload import Files, roots


def test_what_comes_goes_or_is_written_is_a_change(tmp_path: Path) -> None:
    kept = tmp_path / "shop" / "kept.py"
    kept.parent.mkdir()
    kept.write_text("a = 1\n")
    files = Files([tmp_path])
    assert files.changed() == ""
    os.utime(kept, ns=(1, 1))
    assert files.changed() == str(kept)
    assert files.changed() == ""
    new = tmp_path / "new.py"
    new.touch()
    assert files.changed() == str(new)
    new.unlink()
    assert files.changed() == str(new)


def test_what_is_no_code_of_the_application_is_passed_over(tmp_path: Path) -> None:
    for folder in (".git", "__pycache__", "node_modules", "venv"):
        (tmp_path / folder).mkdir()
    (tmp_path / "venv" / "pyvenv.cfg").touch()
    files = Files([tmp_path])
    for folder in (".git", "__pycache__", "node_modules", "venv"):
        (tmp_path / folder / "changed.py").touch()
    (tmp_path / "data.json").touch()
    assert files.changed() == ""


def test_code_that_lies_elsewhere_is_watched_and_what_is_installed_is_not(tmp_path: Path, monkeypatch) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    here.mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr("sys.path", ["", str(elsewhere), str(tmp_path / "missing"), os.path.dirname(os.__file__)])
    assert roots() == [here, elsewhere]
