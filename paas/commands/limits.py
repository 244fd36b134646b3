"""How is a limit of an app's own kept, and the installation's taken back? An empty value unsets it."""

from __future__ import annotations

from paas.context import Context
from paas.model import App, Session
from paas.rules.limits import UPLOAD_LIMIT, parse_seconds, parse_size


def store_seconds(ctx: Context, app: App, name: str, value: str) -> None:
    """Keep a time-out of the app's processes. Raises BadInputError (code `seconds`)."""
    seconds = parse_seconds(name, value) if value else None
    with ctx.on.database.write() as session:
        row = session.get(App, app.id)
        if row is not None:
            others = {other: kept for other, kept in row.process_settings.items() if other != name}
            row.process_settings = others if seconds is None else {**others, name: seconds}


def store_upload_limit(session: Session, app: App, value: str) -> None:
    """Keep the size of the largest request body. Raises BadInputError (code `size`)."""
    size = parse_size(value) if value else None
    row = session.get(App, app.id)
    if row is not None:
        others = {other: kept for other, kept in row.proxy_settings.items() if other != UPLOAD_LIMIT}
        row.proxy_settings = others if size is None else {**others, UPLOAD_LIMIT: size}
