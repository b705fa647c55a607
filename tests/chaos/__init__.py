"""`./dev chaos`: the faults of docs/reliability.md at full size, a line each, and the totals."""
