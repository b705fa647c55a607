"""Callers of the API: by token with each scope, and signed in with each role."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from jobs_dashboard.models import ApiToken
from jobs_dashboard.models.api_token import Scope


class Caller:
    """A client with its headers; bodies are sent as they are, or as JSON."""

    def __init__(self, **headers: str) -> None:
        self.client = Client(enforce_csrf_checks=True, headers=headers, raise_request_exception=True)

    def get(self, path: str) -> HttpResponse:
        return self.client.get(f"/api/v1{path}")

    def post(self, path: str, body: Any = b"", **extra: Any) -> HttpResponse:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = extra.pop("content_type", "application/json")
        return self.client.post(f"/api/v1{path}", sent, content_type=kind, **extra)


@pytest.fixture
def by_token(db: None) -> Callable[..., Caller]:
    def make(*scopes: Scope, days: int = 1) -> Caller:
        _, text = ApiToken.issue(name="shop", scopes=list(scopes), expires_at=timezone.now() + timedelta(days=days))
        return Caller(authorization=f"Bearer {text}")

    return make


@pytest.fixture
def caller(by_token: Callable[..., Caller]) -> Caller:
    """Who may do everything."""
    return by_token(*Scope)


@pytest.fixture
def signed_in(db: None) -> Callable[..., Caller]:
    def make(*permissions: str) -> Caller:
        user = User.objects.create_user("vera", password="a long enough password")
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        made = Caller()
        made.client.force_login(user)
        return made

    return make


def assert_problem(response: HttpResponse, status: int, *words: str) -> dict[str, Any]:
    """The answer is a problem of this status, and its text holds the words."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    told = response.json()
    assert {"type", "title", "status", "detail"} <= told.keys()
    assert told["status"] == status
    for word in words:
        assert word in json.dumps(told, ensure_ascii=False)
    return told
