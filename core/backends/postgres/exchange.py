"""The hot verb: settle a batch, promote what is due, claim what is wanted, in one transaction."""

from __future__ import annotations

from typing import Any, Final

from psycopg import Cursor

from ...model.job import Claim
from ...model.limits import PROMOTED_PER_EXCHANGE, TOLD_TASKS
from ...model.states import State
from ..contract import Exchange, ExchangeReply
from ..sql.codec import STATES
from .claiming import Head, ask_head, claim, in_line
from .gates import Gates
from .retention import drop_surplus
from .settle import settle_all
from .transaction import SentTwiceError, Transaction

_WAITING: Final = (State.SCHEDULED, State.FAILED)


def exchange(tx: Transaction, call: Exchange) -> ExchangeReply:
    """Act once a call: the last one again gets its answer again, one before it is refused."""
    queue, is_paused, completed, due_ms, opens_ms, last, refused, tokens = _begin(tx, call)
    claims: list[Claim] = []
    if last is None or call.call > last:
        refused, claims = _act(tx, queue, call, due_ms=due_ms, opens_ms=opens_ms, may_claim=not is_paused)
        asked, due_ms, opens_ms, awaited = _remember(tx, queue, call, refused, claims)
        _trim(tx, queue, call, completed)
    else:
        refused, claims = (refused, _claims_again(tx, queue, call, tokens)) if call.call == last else ([], [])
        asked, due_ms, opens_ms, awaited = _ended(_ask_end(tx, queue, call))
    return ExchangeReply(
        refused=refused,
        claims=claims,
        asked_to_cancel=asked,
        next_due_ms=_next_due(tx, due_ms, None if is_paused else opens_ms),
        is_paused=is_paused,
        now_ms=tx.now_ms,
        awaited=awaited,
    )


def _act(
    tx: Transaction, queue: int, call: Exchange, *, due_ms: int | None, opens_ms: int | None, may_claim: bool
) -> tuple[list[bytes], list[Claim]]:
    """Settle, promote, claim; answers who was refused, and who was claimed."""
    gates, heads = Gates(tx, queue, call.queue), list[Head]()
    has_due, wants = _has_due(tx, call, due_ms), may_claim and call.want > 0
    is_plain = wants and not has_due and _changes_no_line(tx, call)

    def ask_early() -> None:
        if is_plain:
            heads.append(ask_head(tx, queue, call))

    refused = settle_all(tx, queue, call, gates, ask_early)
    if has_due:
        _promote(tx, queue)
    if not wants:
        gates.settle()
        return refused, []
    is_due = opens_ms is not None and opens_ms <= tx.now_ms
    return refused, claim(tx, queue, call, gates, is_due=is_due, head=heads[0] if heads else None)


def _changes_no_line(tx: Transaction, call: Exchange) -> bool:
    """Whether a claim need not know what became of the outcomes: no gate has to do with any, nothing follows on them,
    and no job is among them twice, which takes a second turn."""
    if tx.has_gates(call.queue) or call.serve or any(outcome.then or outcome.held_at for outcome in call.outcomes):
        return False
    return len({outcome.raw for outcome in call.outcomes}) == len(call.outcomes)


def _begin(tx: Transaction, call: Exchange) -> tuple[Any, ...]:
    row = tx.find("exchange_begin", name=call.queue, worker=call.worker)
    if row is None:
        tx.queue(call.queue)
        row = tx.one("exchange_begin", name=call.queue, worker=call.worker)
    tx.know_queue(call.queue, row[0], is_known=row[1], has_gates=row[2])
    tx.know_time(row[-1])
    return (row[0], *row[3:-1])


def _ask_end(tx: Transaction, queue: int, call: Exchange) -> Cursor[tuple[Any, ...]]:
    if tx.has_gates(call.queue):
        return tx.run("exchange_end_gated", queue=queue, worker=call.worker, told=TOLD_TASKS)
    return tx.run("exchange_end", queue=queue, worker=call.worker)


def _ended(end: Cursor[tuple[Any, ...]]) -> tuple[Any, ...]:
    """Who is asked to stop, the next due time, the next time that a gate opens, tasks that are waited for."""
    (row,) = end.fetchall()
    asked, due_ms, *of_gates = row
    return (asked, due_ms, *(of_gates or (None, [])))


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


def _claims_again(tx: Transaction, queue: int, call: Exchange, tokens: list[int]) -> list[Claim]:
    """Those of a call that were not settled, taken back or rescued since."""
    if not tokens:
        return []
    return in_line(tx, queue, call.queue, tx.all("claims_again", queue=queue, worker=call.worker, tokens=tokens))


def _next_due(tx: Transaction, due_ms: int | None, opens_ms: int | None) -> int:
    """When the next job is due, or a gate opens, which it may have been about to do for long."""
    opening = None if opens_ms is None else max(tx.now_ms, opens_ms)
    return min((due for due in (due_ms, opening) if due), default=0)


def _trim(tx: Transaction, queue: int, call: Exchange, completed: int) -> None:
    """Last, since only one exchange of a queue can be at it. completed: what was held before, read without a lock."""
    if call.keep_completed and completed + tx.change_of(queue, State.COMPLETED) > call.keep_completed:
        limit = 2 * len(call.outcomes) + 10
        drop_surplus(tx, queue, State.COMPLETED, keep=call.keep_completed, limit=limit)


def _remember(
    tx: Transaction, queue: int, call: Exchange, refused: list[bytes], claims: list[Claim]
) -> tuple[Any, ...]:
    """Note the answer, and ask in the same trip what else is to be told."""
    answer = {"refused": refused, "tokens": [claim.token for claim in claims]}
    with tx.together():
        saved = tx.run("reply_save", worker=call.worker, queue=queue, call=call.call, now=tx.now_ms, **answer)
        end = _ask_end(tx, queue, call)
    if saved.fetchone() is None:
        raise SentTwiceError
    return _ended(end)
