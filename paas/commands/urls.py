"""url and urls - where an app answers."""

from __future__ import annotations

from paas.commands.declare import command
from paas.commands.hosts import hosts_of_app
from paas.commands.results import Text
from paas.commands.words import TheApp
from paas.context import Context
from paas.errors import NotFoundError
from paas.model import App


def _urls(ctx: Context, app: App) -> list[str]:
    with ctx.on.database.read() as session:
        hosts = hosts_of_app(session, ctx.on.settings, app)
    return [ctx.on.settings.app_url(host) for host in hosts if not host.startswith("*.")]


@command("url", allow="view", api="GET /apps/{app}/url")
def url(ctx: Context, app: TheApp) -> Text:
    """Print the address of an app.

    $ ssh paas@host url blog
    """
    found = _urls(ctx, app)
    if not found:
        raise NotFoundError(f"{app.name} has no domain", f"domains:add {app.name} www.example.com", code="no-domain")
    return Text(found[0])


@command("urls", allow="view", api="GET /apps/{app}/urls")
def urls(ctx: Context, app: TheApp) -> list[str]:
    """Print all addresses of an app.

    $ ssh paas@host urls blog
    """
    return _urls(ctx, app)
