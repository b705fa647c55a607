"""The demo as a Django app, so that its `tasks.py` and its command are found."""

from __future__ import annotations

from django.apps import AppConfig


class ExamplesConfig(AppConfig):
    name = "examples"
    verbose_name = "Demo: an audit of this Python installation"
