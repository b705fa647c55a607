"""The one validator of everything that is stored for a job: what may come in, and the bytes it becomes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from pathlib import PurePath
from typing import Any, NoReturn

import msgspec

from ..errors import InvalidInput, PayloadTooLarge
from .limits import (
    MAX_METADATA_BYTES,
    MAX_NESTING,
    MAX_PAYLOAD_BYTES,
    MAX_REASON_CHARS,
    MAX_RESULT_BYTES,
    QUEUE_FORM,
    QUEUE_NAME,
)

_pack = msgspec.msgpack.Encoder().encode
_canonical = msgspec.json.Encoder(order="sorted")
_unpack = msgspec.msgpack.Decoder().decode
_INT_MIN, _INT_MAX = -(2**63), 2**64 - 1  # what MessagePack holds


def as_data(value: Any) -> Any:
    """A Python value as plain data (None, bool, int, float, str, list, dict).

    UUID, datetime, Decimal, Enum, dataclass, Struct, set, bytes (as base64) and Path become their plain form; anything
    else is refused with its type named.
    """
    try:
        return msgspec.to_builtins(value, str_keys=True, enc_hook=_plain)
    except RecursionError:  # far deeper than what is stored, or a list that holds itself
        raise InvalidInput(f"nested deeper than {MAX_NESTING} levels", limit=MAX_NESTING) from None


def check_data(data: Any, path: str = "$") -> None:
    """Raise InvalidInput, with the path named, where data holds what cannot be stored."""
    fault = _fault(data, 0)
    if fault is not None:
        raise InvalidInput(fault[1], path=path + fault[0])


def pack_arguments(data: Mapping[str, Any], *, path: str = "$.arguments") -> bytes:
    """Checked arguments as stored: MessagePack of a map, at most 256 KiB."""
    return pack_data(data, path=path, limit=MAX_PAYLOAD_BYTES)


def pack_result(value: Any) -> bytes:
    """A handler's result as stored; raises InvalidInput when it is no data or more than 256 KiB."""
    try:
        return pack_data(as_data(value), path="$.result", limit=MAX_RESULT_BYTES)
    except PayloadTooLarge as error:
        error.args = (f"{error}; store it elsewhere, or declare the task with keep_result=False",)
        raise


def pack_data(data: Any, *, path: str, limit: int) -> bytes:
    """Plain data as bytes, checked, within `limit` bytes."""
    check_data(data, path)
    packed = _pack(data)
    if len(packed) > limit:
        raise PayloadTooLarge(f"{len(packed)} bytes are more than the limit of {limit}", path=path, limit=limit)
    return packed


def unpack_data(packed: bytes) -> Any:
    return _unpack(packed)


def canonical_text(data: Any) -> str:
    """Plain data as one text, the same for the same data."""
    return _canonical.encode(data).decode()


def read_json(text: bytes, *, path: str = "$", limit: int = MAX_PAYLOAD_BYTES) -> Any:
    """JSON from a stranger as checked data; refuses duplicate keys, NaN, huge numbers and depth, each by its path."""
    if len(text) > limit:
        raise PayloadTooLarge(f"more than the limit of {limit} bytes", path=path, limit=limit)
    try:
        data = json.loads(text.decode("utf-8"), object_pairs_hook=_unique_pairs, parse_constant=_no_constant)
    except InvalidInput as error:
        raise type(error)(error.reason, path=path) from None
    except RecursionError:
        raise InvalidInput(f"nested deeper than {MAX_NESTING} levels", path=path, limit=MAX_NESTING) from None
    except UnicodeDecodeError:
        raise InvalidInput("not UTF-8", path=path) from None
    except ValueError as error:
        raise InvalidInput(f"not JSON: {error}", path=path) from None
    check_data(data, path)
    return data


def check_queue(queue: Any, *, path: str = "$.queue") -> str:
    if not isinstance(queue, str) or not QUEUE_NAME.fullmatch(queue):
        raise InvalidInput(f"not a queue name: {QUEUE_FORM}", path=path)
    return queue


def check_metadata(metadata: Any, *, path: str = "$.metadata") -> dict[str, Any]:
    """Metadata as data: a map of at most 4 KiB."""
    data = as_data(metadata)
    if not isinstance(data, dict):
        raise InvalidInput("give a map of names to values", path=path)
    pack_data(data, path=path, limit=MAX_METADATA_BYTES)
    return data


def check_text(text: Any, *, path: str, limit: int = MAX_REASON_CHARS) -> str:
    """A short text of a person: stored as it is, or refused."""
    if not isinstance(text, str):
        raise InvalidInput("give a text", path=path)
    if len(text) > limit:
        raise InvalidInput(f"{len(text)} characters are more than the limit of {limit}", path=path, limit=limit)
    check_data(text, path)
    return text


def _fault(data: Any, depth: int) -> tuple[str, str] | None:
    """The first fault as (path below here, reason); paths are built on the way out, so that good data pays nothing."""
    kind = type(data)
    if kind is str:
        return _text_fault(data)
    if kind is int:
        return None if _INT_MIN <= data <= _INT_MAX else ("", "an integer beyond 64 bits")
    if kind is float:
        return None if isfinite(data) else ("", "NaN and infinity are not JSON")
    if kind is dict:
        return _too_deep(depth) or _map_fault(data, depth)
    if kind is list or kind is tuple:
        return _too_deep(depth) or _list_fault(data, depth)
    return None if data is None or kind is bool else ("", f"{kind.__name__} is not JSON data")


def _map_fault(data: dict[Any, Any], depth: int) -> tuple[str, str] | None:
    for key, value in data.items():
        if type(key) is not str:
            return "", f"a key must be a text, not {type(key).__name__}"
        fault = _text_fault(key)
        if fault is not None:
            return "", f"a key holds {fault[1]}"
        fault = _fault(value, depth + 1)
        if fault is not None:
            return f".{key[:60]}{fault[0]}", fault[1]
    return None


def _list_fault(data: list[Any] | tuple[Any, ...], depth: int) -> tuple[str, str] | None:
    for index, value in enumerate(data):
        fault = _fault(value, depth + 1)
        if fault is not None:
            return f"[{index}]{fault[0]}", fault[1]
    return None


def _too_deep(depth: int) -> tuple[str, str] | None:
    return ("", f"nested deeper than {MAX_NESTING} levels") if depth >= MAX_NESTING else None


def _text_fault(text: str) -> tuple[str, str] | None:
    if "\x00" in text:
        return "", "a NUL character"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "", "a lone surrogate"
    return None


def _plain(value: Any) -> Any:
    if isinstance(value, PurePath):
        return str(value)
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if hasattr(value, "_meta") and hasattr(value, "pk"):  # a Django model, known without importing Django
        raise InvalidInput(f"a {kind} instance cannot be stored: pass its pk and load it in the handler")
    raise InvalidInput(f"a {kind} cannot be stored: pass plain data (text, number, list, map, datetime, UUID …)")


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidInput(f"the key {twice[:60]!r} stands twice")
    return data


def _no_constant(name: str) -> NoReturn:
    raise InvalidInput(f"{name} is not JSON")
