"""What happens when somebody presses a button? One route turns a form into a declared command: no more than the API."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, redirect, request, url_for
from werkzeug.wrappers import Response

from paas.commands.call import call
from paas.commands.declare import Command, find
from paas.commands.follow import app_of_job
from paas.commands.results import JobStarted
from paas.context import Context, Platform
from paas.errors import UnknownCommandError
from paas.rules.config import check_key
from paas.web.cookie import secret_of
from paas.web.pages.again import fields_again
from paas.web.pages.frame import for_people, local_path
from paas.web.security import check_csrf, check_origin

AROUND = " \t"  # what people type around a word; a line end is no slip of the hand in a field of one line
OURS = ("csrf_token", "next", "pair_key", "pair_value")  # fields of the form that are no parameters of the command


def register(pages: Blueprint, on: Platform) -> None:
    @pages.post("/do/<command>", endpoint="do")
    @for_people(on)
    def act(ctx: Context, command: str) -> Response:
        check_origin(request)
        check_csrf(request, secret_of(ctx.on, request))
        declared = find(command)
        if declared is None or not declared.changes or declared.passes_words:
            raise UnknownCommandError(f"{command[:60]!a} is no button of this page")
        g.back = local_path(request.form.get("next"), url_for("pages.apps"))
        g.again = fields_again(declared.name, request.form)  # only of a form that was ours: see the checks above
        result = call(declared.name, ctx, read_form(declared))
        return redirect(_next_page(ctx, declared, result), 303)


def _next_page(ctx: Context, declared: Command, result: Any) -> str:
    """Work that takes a while is watched as it goes, a new app waits for its push; else back to the button's page."""
    if isinstance(result, JobStarted) and declared.name != "apps:destroy":
        app = app_of_job(ctx.on, result.job_id)
        if app is not None:
            return url_for("pages.build", app=app, build=result.job_id)
    if declared.name == "apps:create":
        return url_for("pages.app", app=request.form["name"].strip(AROUND))
    return str(g.back)


def read_form(declared: Command) -> dict[str, Any]:
    """The form's fields as the command's words; empty optional fields are left out.

    `pair_key` and `pair_value` make one pair. (Browsers send every line end of a text as CR LF: it was typed as LF.)
    """
    places = {parameter.name: parameter for parameter in declared.parameters}
    words: dict[str, Any] = {}
    for name in request.form:
        if name in OURS:
            continue
        parameter = places.get(name)
        values = request.form.getlist(name)
        if parameter is not None and parameter.place == "rest":
            words[name] = [value for value in values if value]
        elif parameter is None or parameter.required or values[-1]:
            words[name] = values[-1].strip(AROUND) if parameter is not None and not parameter.from_stdin else values[-1]
    if "pairs" in places and "pair_key" in request.form:
        value = request.form.get("pair_value", "").replace("\r\n", "\n")
        words["pairs"] = [f"{check_key(request.form['pair_key'].strip(AROUND))}={value}"]
    return words
