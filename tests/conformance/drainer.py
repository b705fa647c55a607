"""A worker in a process of its own: claims and settles until nothing is left, and prints the ids that it settled.

Arguments: the store's URL, the worker's name, how many it claims at once, and "settle" or "hold" (claim once, say so,
and wait to be killed).
"""

import sys

from core.backends.contract import Exchange, ExchangeReply
from core.backends.opener import open_backend
from core.model.outcome import Outcome
from core.model.states import State

QUEUE = "mail"


def main(url: str, worker: str, batch: int, manner: str) -> None:
    store = open_backend(url)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    reply, number = ExchangeReply(), 0
    while reply.claims or number == 0:
        number += 1
        held = reply.claims
        outcomes = tuple(Outcome(claim.raw, claim.token, State.COMPLETED) for claim in held)
        reply = store.exchange(Exchange(queue=QUEUE, worker=worker, call=number, outcomes=outcomes, want=batch))
        for claim in held:
            if claim.raw not in reply.refused:
                sys.stdout.write(f"{claim.raw.hex()}\n")
        if manner == "hold":
            sys.stdout.write("holding\n")
            sys.stdout.flush()
            sys.stdin.readline()
    sys.stdout.write("done\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
