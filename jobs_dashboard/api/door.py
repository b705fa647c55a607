"""Who may use the API: a bearer token with the scope, or a signed-in person with the permission and a CSRF token."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.http import HttpRequest
from django.utils import timezone
from ninja.errors import AuthenticationError
from ninja.security import HttpBearer, SessionAuth

from jobs_dashboard.actions import audit
from jobs_dashboard.actions.actor import Actor, Permission
from jobs_dashboard.actions.audit import Refused
from jobs_dashboard.client_address import client_address
from jobs_dashboard.models import ApiToken
from jobs_dashboard.models.api_token import Scope

from .body import require_readable

_NEEDS: Final = {
    Scope.READ: Permission.VIEW,
    Scope.ENQUEUE: Permission.OPERATE,
    Scope.OPERATE: Permission.OPERATE,
}
_NOTED_EVERY: Final = timedelta(minutes=1)


class Token(HttpBearer):
    """`Authorization: Bearer jd_…`. A token that is no good is refused, also beside a good session."""

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self._scope = scope

    def __call__(self, request: HttpRequest) -> Actor | None:
        require_readable(request)
        return super().__call__(request)

    def authenticate(self, request: HttpRequest, token: str) -> Actor:
        now = timezone.now()
        row = ApiToken.named_by(token.strip())
        if row is None or not row.is_usable(now):
            raise AuthenticationError(message="This token is unknown, expired or revoked.")
        actor = Actor(
            name=f"token {row.name}",
            door="api",
            address=client_address(request),
            permissions=frozenset(_NEEDS[scope] for scope in (Scope.READ, Scope.OPERATE) if row.allows(scope)),
        )
        if not row.allows(self._scope):
            _refuse(request, actor, f"the token lacks the scope {self._scope}", self._scope)
        if row.last_used_at is None or now - row.last_used_at > _NOTED_EVERY:
            ApiToken.objects.filter(pk=row.pk).update(last_used_at=now)
        return actor


class Session(SessionAuth):
    """The session of the dashboard; anything but GET wants its CSRF token in the X-CSRFToken header."""

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self._scope = scope

    def authenticate(self, request: HttpRequest, key: str | None) -> Actor | None:
        user: Any = request.user
        if not user.is_authenticated:
            return None
        actor = Actor(name=user.get_username(), door="api", user=user, address=client_address(request))
        if not actor.may(_NEEDS[self._scope]):
            _refuse(request, actor, f"wants the permission {_NEEDS[self._scope].codename}", self._scope)
        return actor


def needs(scope: Scope) -> list[Any]:
    """The doors of an operation, in the order they are tried."""
    return [Token(scope), Session(scope)]


def _refuse(request: HttpRequest, actor: Actor, why: str, scope: Scope) -> None:
    """A refused look is only told; a refused act stands in the audit."""
    if scope is not Scope.READ:
        audit.refused(actor, verb=str(scope), kind="api", target=request.path, why=why)
    raise Refused(actor, f"{request.method} {request.path}", _NEEDS[scope])
