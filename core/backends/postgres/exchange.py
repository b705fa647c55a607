"""The hot verb: settle a batch, promote what is due, claim what is wanted, in one transaction."""

from __future__ import annotations

from typing import Any, Final

from ...model.job import Claim
from ...model.limits import PROMOTED_PER_EXCHANGE
from ...model.states import State
from ..contract import Exchange, ExchangeReply
from ..sql.codec import STATES
from .retention import drop_surplus
from .settle import settle_all
from .transaction import SentTwiceError, Transaction

_WAITING: Final = (State.SCHEDULED, State.FAILED)


def exchange(tx: Transaction, call: Exchange) -> ExchangeReply:
    """Act once a call: the last one again gets its answer again, one before it is refused."""
    queue, is_paused, completed, due_ms, last, refused, tokens = _begin(tx, call)
    claims: list[Claim] = []
    if last is None or call.call > last:
        refused = settle_all(tx, queue, call)
        if _has_due(tx, call, due_ms):
            _promote(tx, queue)
        claims = [] if is_paused or call.want <= 0 else _claim(tx, queue, call)
        _remember(tx, queue, call, refused, claims)
    elif call.call == last:
        claims = _claims_again(tx, queue, call, tokens)
    else:
        refused = []
    asked, next_due_ms = tx.one("exchange_end", queue=queue, worker=call.worker)
    if last is None or call.call > last:
        _trim(tx, queue, call, completed)
    return ExchangeReply(
        refused=refused,
        claims=claims,
        asked_to_cancel=asked,
        next_due_ms=next_due_ms or 0,
        is_paused=is_paused,
        now_ms=tx.now_ms,
    )


def _begin(tx: Transaction, call: Exchange) -> tuple[Any, ...]:
    row = tx.find("exchange_begin", name=call.queue, worker=call.worker)
    if row is None:
        tx.queue(call.queue)
        row = tx.one("exchange_begin", name=call.queue, worker=call.worker)
    tx.know_queue(call.queue, row[0], is_known=row[1])
    return (row[0], *row[2:])


def _has_due(tx: Transaction, call: Exchange, due_ms: int | None) -> bool:
    """Whether something was due before this call, or was settled to be due at once."""
    if due_ms is not None and due_ms <= tx.now_ms:
        return True
    return any(outcome.state in _WAITING and outcome.delay_ms <= 0 for outcome in call.outcomes)


def _promote(tx: Transaction, queue: int) -> None:
    """Due jobs join the line as of the time they were due, soonest first."""
    for (code,) in tx.all("promote", queue=queue, now=tx.now_ms, limit=PROMOTED_PER_EXCHANGE):
        tx.left(queue, STATES[code])
        tx.arrived(queue, State.PENDING)


def _claim(tx: Transaction, queue: int, call: Exchange) -> list[Claim]:
    values = {"want": call.want, "worker": call.worker, "lease_ms": call.lease_ms}
    claims = _in_line(call.queue, tx.all("claim", queue=queue, now=tx.now_ms, **values))
    tx.left(queue, State.PENDING, len(claims))
    tx.arrived(queue, State.RUNNING, len(claims))
    return claims


def _claims_again(tx: Transaction, queue: int, call: Exchange, tokens: list[int]) -> list[Claim]:
    """Those of a call that were not settled, taken back or rescued since."""
    if not tokens:
        return []
    return _in_line(call.queue, tx.all("claims_again", queue=queue, worker=call.worker, tokens=tokens))


def _in_line(name: str, rows: list[tuple[Any, ...]]) -> list[Claim]:
    """Rows of a score and a claim, in run order: RETURNING has none."""
    return [Claim(name, *row[1:]) for row in sorted(rows, key=lambda row: row[:2])]


def _trim(tx: Transaction, queue: int, call: Exchange, completed: int) -> None:
    """Last, since only one exchange of a queue can be at it. completed: what was held before, read without a lock."""
    if call.keep_completed and completed + tx.change_of(queue, State.COMPLETED) > call.keep_completed:
        limit = 2 * len(call.outcomes) + 10
        drop_surplus(tx, queue, State.COMPLETED, keep=call.keep_completed, limit=limit)


def _remember(tx: Transaction, queue: int, call: Exchange, refused: list[bytes], claims: list[Claim]) -> None:
    answer = {"refused": refused, "tokens": [claim.token for claim in claims]}
    if not tx.find("reply_save", worker=call.worker, queue=queue, call=call.call, now=tx.now_ms, **answer):
        raise SentTwiceError
