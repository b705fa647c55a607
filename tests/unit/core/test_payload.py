"""What may be stored, and how what may not is refused: reliability.md's table of bad input, at its one door."""

import enum
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput, PayloadTooLarge
from core.model.payload import (
    as_data,
    check_data,
    check_metadata,
    check_queue,
    check_text,
    pack_arguments,
    pack_result,
    read_json,
    unpack_data,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
DATA = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(TEXT, DATA, max_size=4))
def test_data_comes_back_as_it_went(data: dict[str, Any]) -> None:
    assert unpack_data(pack_arguments(data)) == data


@pytest.mark.parametrize(
    ("data", "path", "reason"),
    [
        ({"a": "x\x00"}, "$.a", "NUL"),
        ({"a": ["\ud800"]}, "$.a[0]", "surrogate"),
        ({"a": float("nan")}, "$.a", "NaN"),
        ({"a": {"b": [1, float("inf")]}}, "$.a.b[1]", "infinity"),
        ({"a": 2**64}, "$.a", "64 bits"),
        ({"a": -(2**63) - 1}, "$.a", "64 bits"),
        ({"a\x00": 1}, "$", "key"),
        ({1: 1}, "$", "key"),
        ({"a": object()}, "$.a", "object"),
        ({"a": b"raw"}, "$.a", "bytes"),
    ],
)
def test_what_cannot_be_stored_is_named_by_its_path(data: Any, path: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason) as caught:
        check_data(data)
    assert caught.value.path == path


def nested(depth: int) -> Any:
    data: Any = 1
    for _ in range(depth):
        data = [data]
    return data


def test_nesting_is_bounded() -> None:
    check_data(nested(64))
    with pytest.raises(InvalidInput, match="64 levels"):
        check_data(nested(65))


class Colour(enum.Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    tags: set[str]


def test_common_types_become_data() -> None:
    told = as_data(
        {
            "id": uuid.UUID(int=1), "at": datetime(2026, 1, 2, tzinfo=UTC), "sum": Decimal("1.50"), "c": Colour.RED,
            "p": Point(1, {"a"}), "path": Path("/tmp/x"), "raw": b"hi", 7: (1, 2),
        }
    )  # fmt: skip
    assert told == {
        "id": str(uuid.UUID(int=1)), "at": "2026-01-02T00:00:00Z", "sum": "1.50", "c": "red",
        "p": {"x": 1, "tags": ["a"]}, "path": "/tmp/x", "raw": "aGk=", "7": (1, 2),
    }  # fmt: skip


def test_a_model_instance_is_refused_with_the_way_out() -> None:
    class Row:
        _meta = pk = 1

    with pytest.raises(InvalidInput, match="pass its pk"):
        as_data(Row())


def test_an_unknown_type_is_named() -> None:
    with pytest.raises(InvalidInput, match="builtins.object cannot be stored"):
        as_data(object())


def test_too_many_bytes_name_the_limit() -> None:
    pack_arguments({"a": "x" * (256 * 1024 - 100)})
    with pytest.raises(PayloadTooLarge) as caught:
        pack_arguments({"a": "x" * 256 * 1024})
    assert caught.value.limit == 256 * 1024
    with pytest.raises(PayloadTooLarge, match="keep_result=False"):
        pack_result("x" * 256 * 1024)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"a": 1, "a": 2}', "stands twice"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "Infinity"),
        (b'{"a": 1e400}', "infinity"),
        (b'{"a": 18446744073709551616}', "64 bits"),
        (b'{"a": "\\u0000"}', "NUL"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'"\xff"', "UTF-8"),
        (b"{", "not JSON"),
        (b"", "not JSON"),
        (b"[" * 100 + b"]" * 100, "64 levels"),
        (b"[" * 100_000 + b"]" * 100_000, "64 levels"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "not JSON|64 bits"),
    ],
)
def test_a_strangers_json_is_judged(text: bytes, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        read_json(text)


def test_json_beyond_the_limit_is_not_parsed() -> None:
    with pytest.raises(PayloadTooLarge):
        read_json(b" " * (256 * 1024 + 1))


@pytest.mark.parametrize("queue", ["", "../", "a\r\nb", "{x}", "*", "x" * 65, "a b", "-a", 7, None, "é", "a~b", "a\n"])
def test_a_wrong_queue_name_shows_the_form(queue: Any) -> None:
    with pytest.raises(InvalidInput, match="up to 63"):
        check_queue(queue)


def test_metadata_is_a_small_map() -> None:
    assert check_metadata({"user_id": 7}) == {"user_id": 7}
    with pytest.raises(PayloadTooLarge):
        check_metadata({"a": "x" * 5_000})
    with pytest.raises(InvalidInput, match="map"):
        check_metadata([1])


def test_a_reason_is_a_short_text() -> None:
    assert check_text("because", path="$.reason") == "because"
    for wrong in ("x" * 501, 7, "\x00"):
        with pytest.raises(InvalidInput):
            check_text(wrong, path="$.reason")


def test_what_holds_itself_is_too_deep() -> None:
    ring: list[Any] = []
    ring.append(ring)
    deep: Any = None
    for _ in range(100_000):
        deep = {"a": deep}
    for wrong in (ring, deep):
        with pytest.raises(InvalidInput, match="nested deeper than 64"):
            as_data(wrong)
        with pytest.raises(InvalidInput, match="nested deeper than 64"):
            pack_result(wrong)
