"""Who acts, through which door, and what they may."""

from __future__ import annotations

import getpass
import socket
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Permission(StrEnum):
    """The three roles, as Django permissions on JobRecord; each includes the ones above it."""

    VIEW = "view_jobs"
    OPERATE = "operate_jobs"
    ADMINISTER = "administer_jobs"

    @property
    def codename(self) -> str:
        return f"jobs_dashboard.{self.value}"


_RISING = (Permission.VIEW, Permission.OPERATE, Permission.ADMINISTER)
EVERYTHING = frozenset(_RISING)


@dataclass(frozen=True, kw_only=True)
class Actor:
    """door: dashboard, api or command. user: the row of a signed-in person, None for a token or a shell.

    permissions: what is granted by other means than the user's own permissions.
    """

    name: str
    door: str
    user: Any = None
    address: str = ""
    permissions: frozenset[Permission] = frozenset()

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions or (self.user is not None and permission in permissions_of(self.user))


def permissions_of(user: Any) -> frozenset[Permission]:
    """What a Django user may; the highest role held includes the lower ones."""
    if not user.is_active:
        return frozenset()
    highest = max((index for index, each in enumerate(_RISING) if user.has_perm(each.codename)), default=-1)
    return frozenset(_RISING[: highest + 1])


def at_shell() -> Actor:
    """Whoever can run a command here can do everything here."""
    try:
        person = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        person = "unknown"
    return Actor(name=f"{person}@{socket.gethostname()}", door="command", permissions=EVERYTHING)
