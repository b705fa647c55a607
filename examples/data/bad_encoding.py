"""Broken on purpose: saved as Latin-1, read as UTF-8. The demo's audit of this file ends as a dead job."""


def greeting():
    return "Grüße aus Köln"
