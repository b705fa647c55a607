"""A task's arguments: bound to names, checked against annotations on the way in and again on the way out."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import Any, Union

import msgspec
from msgspec import UNSET, UnsetType

from ..errors import ConfigError, InvalidArguments, InvalidInput
from ..model.payload import as_data, pack_arguments, unpack_data
from .context import JobContext

_PATH = "$.arguments"


class Arguments:
    """The signature of one handler, as a codec between calls and bytes.

    Annotations are resolved at first use, so that they may name what is defined further down in the module.
    """

    def __init__(self, task: str, func: Callable[..., Any], *, takes_context: bool | None) -> None:
        self._task = task
        self._func = func
        parameters = list(inspect.signature(func).parameters.values())
        self.takes_context = _wants_context(func, parameters) if takes_context is None else takes_context
        if self.takes_context:
            parameters = parameters[1:]
        self._signature = inspect.Signature(parameters)
        self._open = any(p.kind is p.VAR_KEYWORD for p in parameters)
        self._parameters = [p for p in parameters if p.kind is not p.VAR_KEYWORD]
        for parameter in self._parameters:
            if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL):
                raise ConfigError(f"task {task}: {parameter} has no name to store it by; make it a named parameter")
        self.names = tuple(parameter.name for parameter in self._parameters)
        self.required = frozenset(p.name for p in self._parameters if p.default is p.empty)
        self._form: type[msgspec.Struct] | None = None

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """A call as plain data by name; what it lacks is left out. Raises InvalidArguments, the argument named."""
        try:
            bound = self._signature.bind_partial(*args, **kwargs)
        except TypeError as error:
            raise InvalidArguments(self._told(str(error)), path=_PATH) from None
        given = dict(bound.arguments)
        if self._open:
            given |= given.pop(self._rest_name, {})
        return {name: self._plain(name, value) for name, value in given.items()}

    def lacking(self, data: Mapping[str, Any]) -> tuple[str, ...]:
        """The required arguments that data does not hold, in the order of the signature."""
        return tuple(name for name in self.names if name in self.required and name not in data)

    def pack(self, data: Mapping[str, Any]) -> bytes:
        """Plain data, checked against the annotations, as stored. What it lacks is the caller's to judge."""
        self._convert(data)
        return pack_arguments(data, path=_PATH)

    def require(self, data: Any) -> None:
        """Raise InvalidArguments when data is no map, or a required argument is missing."""
        if not isinstance(data, Mapping):
            raise InvalidArguments("give a map of argument names to values", path=_PATH)
        lacking = self.lacking(data)
        if lacking:
            raise InvalidArguments(self._told(f"missing {', '.join(lacking)}"), path=_PATH)

    def value_of(self, name: str, data: Mapping[str, Any]) -> Any:
        """One argument as plain data: as given, else its default."""
        return data[name] if name in data else as_data(self._signature.parameters[name].default)

    def load(self, packed: bytes) -> dict[str, Any]:
        """Stored bytes as the keyword arguments of the handler. Raises InvalidArguments."""
        data = unpack_data(packed)
        self.require(data)
        form = self._convert(data)
        known = {name: getattr(form, name) for name in self.names}
        loaded = {name: value for name, value in known.items() if value is not UNSET}
        return loaded | {name: value for name, value in data.items() if name not in known}

    @property
    def _rest_name(self) -> str:
        return next(p.name for p in self._signature.parameters.values() if p.kind is p.VAR_KEYWORD)

    def _plain(self, name: str, value: Any) -> Any:
        try:
            return as_data(value)
        except InvalidInput as error:
            raise InvalidArguments(error.reason, path=f"{_PATH}.{name}") from None

    def _convert(self, data: Mapping[str, Any]) -> msgspec.Struct:
        form = self._form = self._form or self._make_form()
        try:
            return msgspec.convert(data, form, dec_hook=_from_plain, str_keys=True)
        except msgspec.ValidationError as error:
            reason, _, at = str(error).partition(" - at `$")
            raise InvalidArguments(self._told(reason), path=_PATH + at.rstrip("`")) from None

    def _make_form(self) -> type[msgspec.Struct]:
        try:
            hints = typing.get_type_hints(self._func, include_extras=True)
        except NameError as error:
            raise ConfigError(f"task {self._task}: an annotation cannot be resolved: {error}") from error
        spec = [(p.name, Union[hints.get(p.name, Any), UnsetType], UNSET) for p in self._parameters]  # noqa: UP007
        try:
            form = msgspec.defstruct("Arguments", spec, forbid_unknown_fields=not self._open)
            msgspec.convert({}, form)  # builds the type's plan: an annotation it cannot read fails here, not in a job
        except TypeError as error:
            raise ConfigError(f"task {self._task}: an annotation cannot be checked: {error}") from error
        return form

    def _told(self, reason: str) -> str:
        known = ", ".join(f"{name}" if name in self.required else f"{name} (optional)" for name in self.names)
        return f"{reason}; {self._task} takes: {known or 'nothing'}"


def _wants_context(func: Callable[..., Any], parameters: list[inspect.Parameter]) -> bool:
    """Whether the first parameter is annotated JobContext."""
    if not parameters:
        return False
    hint = parameters[0].annotation
    return hint is JobContext or (isinstance(hint, str) and hint.rpartition(".")[2] == JobContext.__name__)


def _from_plain(kind: type, value: Any) -> Any:
    if isinstance(kind, type) and issubclass(kind, PurePath):
        return Path(value) if kind is Path else kind(value)
    raise NotImplementedError(f"values of {kind} cannot be made from stored data")
