"""How mail is sent, from the EMAIL_* variables: as Django's MAILERS (6.1 on), or as its settings of those names."""

from __future__ import annotations

from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured

from jobs_dashboard import environment

SMTP: Final = "django.core.mail.backends.smtp.EmailBackend"


def mailer() -> dict[str, Any]:
    """An entry of MAILERS. Backends other than SMTP take no options of a server."""
    told = email_settings()
    backend = told.pop("EMAIL_BACKEND")
    if backend != SMTP:
        path = told["EMAIL_FILE_PATH"]
        return {"BACKEND": backend, "OPTIONS": {"file_path": path} if path else {}}
    options = {
        "host": told["EMAIL_HOST"],
        "port": told["EMAIL_PORT"],
        "username": told["EMAIL_HOST_USER"],
        "password": told["EMAIL_HOST_PASSWORD"],
        "use_tls": told["EMAIL_USE_TLS"],
        "use_ssl": told["EMAIL_USE_SSL"],
        "timeout": told["EMAIL_TIMEOUT"],
    }
    return {"BACKEND": backend, "OPTIONS": options}


def email_settings() -> dict[str, Any]:
    """Settings by name. Unlike Django's own, a connection that hangs is given up after ten seconds."""
    told = {
        "EMAIL_BACKEND": environment.text("EMAIL_BACKEND", SMTP),
        "EMAIL_FILE_PATH": environment.text("EMAIL_FILE_PATH"),
        "EMAIL_HOST": environment.text("EMAIL_HOST", "localhost"),
        "EMAIL_PORT": environment.number("EMAIL_PORT", 25, least=1, most=65_535),
        "EMAIL_HOST_USER": environment.text("EMAIL_HOST_USER"),
        "EMAIL_HOST_PASSWORD": environment.text("EMAIL_HOST_PASSWORD"),
        "EMAIL_USE_TLS": environment.flag("EMAIL_USE_TLS", default=False),
        "EMAIL_USE_SSL": environment.flag("EMAIL_USE_SSL", default=False),
        "EMAIL_TIMEOUT": environment.number("EMAIL_TIMEOUT", 10, least=1, most=600),
    }
    if told["EMAIL_USE_TLS"] and told["EMAIL_USE_SSL"]:
        raise ImproperlyConfigured("EMAIL_USE_TLS and EMAIL_USE_SSL are both on: one of them encrypts the connection.")
    return told
