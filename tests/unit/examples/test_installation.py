"""Which files a run audits."""

from __future__ import annotations

import sysconfig
from pathlib import Path

from examples.installation import modules_to_audit, shipped_modules, standard_library


def test_every_machine_has_enough_to_do() -> None:
    assert len(modules_to_audit(3000)) >= 603


def test_the_choice_is_the_same_each_time_and_capped() -> None:
    assert modules_to_audit(700) == modules_to_audit(3000)[:700]


def test_no_file_is_audited_twice() -> None:
    modules = modules_to_audit(3000)
    assert len({module.path for module in modules}) == len(modules)


def test_the_shipped_broken_files_come_first_and_the_library_before_the_environment() -> None:
    modules = modules_to_audit(3000)
    assert [module.name for module in modules[:3]] == [
        "examples.data.bad_encoding",
        "examples.data.nul_byte",
        "examples.data.syntax_error",
    ]
    names = [module.name for module in modules]
    assert names.index("asyncio.events") < names.index("django")
    assert len(list(shipped_modules())) == 3


def test_the_librarys_own_tests_are_left_out() -> None:
    root = Path(sysconfig.get_path("stdlib"))
    folders = {part for module in standard_library() for part in module.path.relative_to(root).parent.parts}
    assert folders.isdisjoint({"test", "tests", "idle_test", "site-packages", "dist-packages"})


def test_a_package_is_named_without_its_init() -> None:
    names = {module.name for module in standard_library()}
    assert {"email", "email.mime.text", "typing"} <= names
