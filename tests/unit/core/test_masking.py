"""Secrets in messages and tracebacks: what is masked, what is left alone, and at what price."""

from __future__ import annotations

import time

import pytest

from core.model.masking import names_a_secret, without_secrets
from core.model.outcome import detail_of


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cannot reach redis://:hunter2@cache:6379/0", "cannot reach redis://:***@cache:6379/0"),
        ("postgres://jobs:p:w:d@db/x", "postgres://jobs:***@db/x"),
        ("Authorization: Bearer abcdefghij0123456789", "Authorization: Bearer ***"),
        ("refused: jd_1f0c9a7e_abcdefghijklmnop", "refused: jd_1f0c9a7e_***"),
        ("GET /x?access_token=abcd1234&page=2", "GET /x?access_token=***&page=2"),
        ("login failed: user=ada Password='hunter2'", "login failed: user=ada Password='***'"),
        ('{"client_secret": "hunter\\"2", "a": 1}', '{"client_secret": "***", "a": 1}'),
        ("{'api_key': 'hunter2'}", "{'api_key': \"***\"}"),
    ],
)
def test_a_secret_that_shows_itself_is_masked(text: str, told: str) -> None:
    assert without_secrets(text) == told
    assert len(told) <= len(text)


@pytest.mark.parametrize(
    "text",
    [
        "$.arguments.token: Expected `str`, got `int`",
        "token = read_token(path)",
        'raise RuntimeError(f"password={password}")',
        "unexpected token, found 'x'",
        "https://example.com:8000/a@b",
        "the Bearer of this letter",
        "settle refused token=7",
        "unique_key=welcome:7",
    ],
)
def test_what_only_looks_like_one_stays(text: str) -> None:
    assert without_secrets(text) == text


def test_an_error_is_stored_without_its_secrets() -> None:
    try:
        raise ConnectionError("cannot reach redis://:hunter2@cache/0 with token=hunter2")
    except ConnectionError as error:
        detail = detail_of(error)

    assert detail.message == "cannot reach redis://:***@cache/0 with token=***"
    assert detail.traceback.splitlines()[-1] == f"ConnectionError: {detail.message}"


def test_names_of_secrets_are_known() -> None:
    assert all(names_a_secret(name) for name in ("password", "db_password", "api_key", "Token"))
    assert not any(names_a_secret(name) for name in ("task", "key", "unique_key", "author"))


@pytest.mark.parametrize(
    "hostile", ["://" * 20_000, "'token" * 10_000, '"' + "token-" * 10_000, "://a:" * 13_000, "password=" * 7_000]
)
def test_hostile_text_costs_no_more_than_its_length(hostile: str) -> None:
    began = time.perf_counter()
    without_secrets(hostile)
    assert time.perf_counter() - began < 2.0
