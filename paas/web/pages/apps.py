"""All apps, and one app: its processes, deployments, variables, domains and logs."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, url_for
from werkzeug.wrappers import Response

from paas.commands.call import call
from paas.commands.present import harmless
from paas.context import Context, Platform
from paas.web.ansi import pieces
from paas.web.pages.frame import for_people, git_remote, page
from paas.web.pages.rights import refusals

TABS = (
    ("app", "Overview"), ("deployments", "Deployments"), ("logs", "Logs"), ("environment", "Environment"),
    ("domains", "Domains"),
)  # fmt: skip
LOG_LINES, LONGEST_LINE = 150, 400  # a page has at most 100 kB
NEWEST = 40  # releases and builds on one page


def register(pages: Blueprint, on: Platform) -> None:
    people = for_people(on)

    @pages.get("/", endpoint="home")
    @people
    def home(ctx: Context) -> Response:
        return redirect(url_for("pages.apps"), 303)

    @pages.get("/apps", endpoint="apps")
    @people
    def all_apps(ctx: Context) -> Response:
        return page(ctx, "apps.html", apps=call("apps:list", ctx, {}), remote=git_remote(ctx, "my-app"))

    @pages.get("/apps/<app>", endpoint="app")
    @people
    def overview(ctx: Context, app: str) -> Response:
        facts = _facts(ctx, app, "app")
        facts["processes"] = call("ps:list", ctx, {"app": app})
        report = call("ps:report", ctx, {"app": app})[0].values
        facts["scale"] = {key[6:]: count for key, count in report.items() if key.startswith("scale-")}
        facts["builds"] = call("builds:list", ctx, {"app": app, "number": 5})
        return page(ctx, "overview.html", **facts)

    @pages.get("/apps/<app>/deployments", endpoint="deployments")
    @people
    def deployments(ctx: Context, app: str) -> Response:
        releases = call("releases:list", ctx, {"app": app, "number": NEWEST})
        builds = call("builds:list", ctx, {"app": app, "number": NEWEST})
        return page(ctx, "deployments.html", releases=releases, builds=builds, **_facts(ctx, app, "deployments"))

    @pages.get("/apps/<app>/logs", endpoint="logs")
    @people
    def logs(ctx: Context, app: str) -> Response:
        stream = call("logs", ctx, {"app": app, "num": LOG_LINES})
        lines = [pieces(line[:LONGEST_LINE]) for line in stream.lines if line is not None]
        return page(ctx, "logs.html", lines=lines, **_facts(ctx, app, "logs"))

    @pages.get("/apps/<app>/environment", endpoint="environment")
    @people
    def environment(ctx: Context, app: str) -> Response:
        variables = call("config:show", ctx, {"app": app})
        return page(ctx, "environment.html", variables=variables, **_facts(ctx, app, "environment"))

    @pages.get("/apps/<app>/environment/<key>", endpoint="variable")
    @people
    def variable(ctx: Context, app: str, key: str) -> Response:
        value = call("config:get", ctx, {"app": app, "key": key}).text
        found = next(each for each in call("config:show", ctx, {"app": app}) if each.key == key)
        facts = {"variable": found, "value": value, "is_typable": harmless(value) == value}
        back = url_for("pages.environment", app=app)
        return page(ctx, "variable.html", back=back, **facts, **_facts(ctx, app, "environment"))

    @pages.get("/apps/<app>/domains", endpoint="domains")
    @people
    def domains(ctx: Context, app: str) -> Response:
        report = call("domains:report", ctx, {"app": app})[0]
        return page(ctx, "domains.html", hosts=report.values["domains-app-vhosts"], **_facts(ctx, app, "domains"))


def _facts(ctx: Context, app: str, tab: str) -> dict[str, Any]:
    """What the head of every page of an app shows."""
    return {
        "app": call("apps:info", ctx, {"app": app}),
        "tabs": TABS,
        "tab": tab,
        "remote": git_remote(ctx, app),
        "lacks": refusals(ctx, app),
    }
