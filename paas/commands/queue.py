"""How does a command ask for work? It writes a job row in its own transaction and rings the worker after the commit."""

from __future__ import annotations

from paas.context import Context
from paas.model import App, Job, Session
from paas.rules.jobs import GLOBAL, HEAVY, Order, read_order


def enqueue(session: Session, ctx: Context, app: App | None, order: Order, priority: int = 0) -> Job:
    """Add a job for this order; flushed, so that its id is known. Ring with `ctx.on.worker.ring()` after the commit."""
    payload = order.model_dump(mode="json")
    kind = str(payload["kind"])
    read_order(kind, payload)
    job = Job(
        kind=kind,
        app_id=app.id if app and kind not in GLOBAL else None,
        app_name=app.name if app else None,
        payload=payload,
        priority=priority,
        is_heavy=kind in HEAVY,
        created_at=ctx.on.clock.now(),
        created_by=ctx.caller.name,
        user_id=ctx.caller.user_id,
        via=ctx.caller.via,
        address=ctx.caller.address,
    )
    session.add(job)
    session.flush()
    return job


def request(ctx: Context, app: App | None, order: Order, priority: int = 0) -> Job:
    """Queue one order in a transaction of its own and wake the worker."""
    with ctx.on.database.write() as session:
        job = enqueue(session, ctx, app, order, priority)
    ctx.on.worker.ring()
    return job
