"""A small shop's tasks, which the browser's tests click through; imported by the workers and by the tests."""

from __future__ import annotations

import os
import time
from pathlib import Path

from jobs_dashboard import PermanentError, Retry, TemporaryError, schedule, task

NEVER_BY_ITSELF = Retry(max_attempts=4, backoff="linear", base=300)


@task(name="shop.pack", queue="parcels")
def pack(order: int, customer: str) -> dict[str, object]:
    """Goes well."""
    return {"order": order, "packed_for": customer}


@task(name="shop.charge", queue="billing")
def charge(order: int, card_number: str) -> dict[str, object]:
    """Gives up at once, until the bank is open."""
    if not (Path(os.environ["JOBS_TEST_FOLDER"]) / "bank-is-open").exists():
        raise PermanentError(f"order {order}: the bank says no")
    return {"order": order, "charged": True}


@task(name="shop.label", queue="parcels", retry=NEVER_BY_ITSELF)
def label(order: int) -> None:
    """Fails, and waits minutes for its next try."""
    raise TemporaryError(f"order {order}: the printer is out of paper")


@task(name="shop.archive", queue="cold")
def archive(order: int) -> int:
    """Waits: no worker takes from its queue."""
    return order


@task(name="shop.carry", queue="parcels")
def carry(seconds: float) -> None:
    """Takes as long as it is told."""
    time.sleep(seconds)


@schedule("0 2 * * *", key="stock-taking", timezone="Europe/Berlin", arguments={"order": 0, "customer": "night"})
@task(name="shop.stock_taking", queue="parcels")
def stock_taking(order: int, customer: str) -> int:
    """Runs by the clock."""
    return order
