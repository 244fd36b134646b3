"""Is the API the commands, no more and no less? One route for each, one shape of refusal, streams that resume."""

from __future__ import annotations

import json
import re
import threading

import pytest
from werkzeug.test import TestResponse

from paas.commands.catalog import REGISTRY
from paas.model import Database, Job
from paas.rules.access import LEVELS
from tests.web.world import WebWorld


def events_of(text: str) -> list[tuple[str, str, object]]:
    """(kind, id, data) of each server-sent event."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in fields:
            found.append((fields["event"], fields.get("id", ""), json.loads(fields["data"])))
    return found


def lines_of(text: str) -> list[str]:
    return [line for kind, _, data in events_of(text) if kind == "log" for line in data]  # type: ignore[attr-defined]


def want_refusal(answer: TestResponse, status: int, code: str = "") -> None:
    assert answer.status_code == status, answer.text
    body = answer.get_json()
    assert set(body) == {"code", "message", "hint"} and body["message"]
    assert not code or body["code"] == code


def test_every_command_has_a_route_of_its_own(world: WebWorld) -> None:
    routes = {(rule.endpoint, method) for rule in world.flask.url_map.iter_rules() for method in rule.methods or ()}
    for declared in REGISTRY.values():
        assert (f"api.{declared.name}", declared.method) in routes
    others = {endpoint for endpoint, _ in routes if endpoint.startswith("api.")} - {f"api.{n}" for n in REGISTRY}
    assert others == {"api.stream", "api.openapi"}


@pytest.mark.parametrize("declared", REGISTRY.values(), ids=lambda declared: declared.name)
def test_nobody_gets_in_without_a_token_and_no_member_into_anothers_app(world: WebWorld, declared: object) -> None:
    world.call(world.admin, "apps:create", name="blog")
    path = re.sub(r"{app}", "blog", declared.path)  # type: ignore[attr-defined]
    other = re.sub(r"{app}", "nobodys", declared.path)  # type: ignore[attr-defined]
    method, body = declared.method, _body(declared)  # type: ignore[attr-defined]
    path, other = (re.sub(r"{\w+}", "x1", each).replace("x1", "1") for each in (path, other))
    want_refusal(world.api(None, method, path, json=body), 401, "unauthenticated")
    token = world.token(world.stranger)
    if declared.allow == "admin":  # type: ignore[attr-defined]
        want_refusal(world.api(token, method, path, json=body), 403, "forbidden")
    elif declared.allow in LEVELS and "{app}" in declared.path:  # type: ignore[attr-defined]
        theirs, nobodys = world.api(token, method, path, json=body), world.api(token, method, other, json=body)
        assert (theirs.status_code, theirs.text.replace("blog", "*")) == (
            nobodys.status_code, nobodys.text.replace("nobodys", "*"),
        )  # fmt: skip
        assert theirs.status_code in (404, 422)


def _body(declared: object) -> dict[str, object] | None:
    """Something for each required field outside of the path."""
    if declared.method == "GET":  # type: ignore[attr-defined]
        return None
    words: dict[str, object] = {}
    for parameter in declared.parameters:  # type: ignore[attr-defined]
        if f"{{{parameter.name}}}" not in declared.path and parameter.required:  # type: ignore[attr-defined]
            words[parameter.name] = "journal"
    return words


def test_an_app_that_is_not_yours_and_one_that_is_not_there_answer_alike(world: WebWorld) -> None:
    world.call(world.admin, "apps:create", name="blog")
    number = world.job("blog", "failed", log="secret\n")
    token, browser = world.token(world.stranger), world.browser(world.stranger)
    for rest in ("", "/builds", f"/builds/{number}", f"/builds/{number}/stream", f"/builds/{number}/output", "/logs"):
        theirs, nobodys = (world.api(token, "GET", f"/apps/{name}{rest}") for name in ("blog", "nope"))
        want_refusal(theirs, 404, "app-not-found")
        assert theirs.text.replace("blog", "nope") == nobodys.text
    build = f"/builds/{number}"
    for rest in ("", "/deployments", "/logs", "/environment", "/domains", build, f"{build}/stream", f"{build}/log"):
        theirs, nobodys = (browser.get(f"/apps/{name}{rest}") for name in ("blog", "nope"))
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.text.replace("blog", "nope") == nobodys.text
    answer = browser.do("ps:stop", app="blog")
    assert answer.status_code == 404 and "app-not-found" in answer.text
    assert "blog" not in browser.get("/apps").text


def test_a_session_s_cookie_opens_no_api(world: WebWorld) -> None:
    want_refusal(world.browser(world.admin).get("/api/v1/apps"), 401, "unauthenticated")


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer x", "Basic eDp5", "Bearer paas_a_b", "Bearer é", f"Bearer {'x' * 9000}"]
)
def test_what_is_no_token_is_refused(world: WebWorld, value: str) -> None:
    client = world.flask.test_client()
    answer = client.get("/api/v1/apps", base_url=world.origin, headers={"Authorization": value})
    want_refusal(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_reading_token_changes_nothing(world: WebWorld) -> None:
    world.call(world.admin, "apps:create", name="blog")
    token = world.token(world.admin, scope="read")
    assert world.api(token, "GET", "/apps/blog").status_code == 200
    want_refusal(world.api(token, "POST", "/apps", json={"name": "x"}), 403, "forbidden")
    want_refusal(world.api(token, "DELETE", "/apps/blog"), 403, "forbidden")


@pytest.mark.parametrize("scope", ["read", "deploy"])
def test_values_of_variables_are_for_full_tokens_only(world: WebWorld, scope: str) -> None:
    world.call(world.admin, "apps:create", name="blog")
    world.call(world.admin, "config:set", app="blog", pairs=["PASSWORD=swordfish"])
    token = world.token(world.admin, scope=scope)
    assert world.api(token, "GET", "/apps/blog/config").get_json()[0]["key"] == "PASSWORD"
    for path in ("config/PASSWORD", "config-export", "config?reveal=true"):
        want_refusal(world.api(token, "GET", f"/apps/blog/{path}"), 403, "forbidden")
        assert b"swordfish" in world.api(world.token(world.admin, scope="full"), "GET", f"/apps/blog/{path}").data


def test_an_app_is_made_looked_at_and_scaled(world: WebWorld) -> None:
    made = world.api(world.admin, "POST", "/apps", json={"name": "blog"})
    assert made.status_code == 201 and made.get_json()["message"] == "Creating blog... done"
    world.deployed("blog")
    facts = world.api(world.admin, "GET", "/apps/blog").get_json()
    assert (facts["name"], facts["status"], facts["release"]) == ("blog", "Unhealthy", "v1")
    started = world.api(world.admin, "PATCH", "/apps/blog/scale", json={"pairs": ["web=2"]})
    body = started.get_json()
    assert started.status_code == 202 and started.headers["Location"] == body["url"]
    assert world.api(world.admin, "GET", body["url"].removeprefix("/api/v1")).get_json()["kind"] == "scale"


def test_a_change_of_all_routes_is_found_under_its_app(world: WebWorld) -> None:
    world.call(world.admin, "apps:create", name="blog")
    body = world.api(world.admin, "POST", "/apps/blog/domains", json={"names": ["www.example.org"]}).get_json()
    assert world.api(world.admin, "GET", body["url"].removeprefix("/api/v1")).get_json()["kind"] == "route"
    renamed = world.api(world.admin, "POST", "/apps/blog/rename", json={"name": "journal"}).get_json()
    assert renamed["url"].startswith("/api/v1/apps/journal/builds/")
    assert world.api(world.admin, "GET", renamed["url"].removeprefix("/api/v1")).status_code == 200
    everyones = world.api(world.admin, "PUT", "/domains", json={"names": ["example.net"]})
    assert everyones.status_code == 202 and everyones.get_json()["url"] is None


def test_an_app_under_an_old_name_does_not_meet_the_routes_of_the_old_one(world: WebWorld) -> None:
    world.call(world.admin, "apps:create", name="blog")
    body = world.api(world.admin, "POST", "/apps/blog/domains", json={"names": ["www.example.org"]}).get_json()
    world.call(world.admin, "apps:rename", app="blog", name="journal")
    world.clock.advance(1)
    world.call(world.member, "apps:create", name="blog")
    want_refusal(world.api(world.member, "GET", f"/apps/blog/builds/{body['build']}"), 404, "build-not-found")


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"{", 422, "json"), (b"[]", 422, "json"), (b"\xff", 422, "json"), (b"[" * 100_000, 422, "json"),
        (b'{"a":' * 100_000, 422, "json"), (b'{"name": 1' + b"0" * 5000 + b"}", 422, "json"),
        (b'{"name": "\\ud800"}', 422, "usage"), (b'{"name": "a\\u0000b"}', 422, ""), (b'{"name": ["x"]}', 422, "usage"),
        (b'{"name": null}', 422, "usage"), (b"{}", 422, "usage"), (b'{"name": "x", "nope": 1}', 422, "usage"),
        (b'{"name": "x", "a\\nb\\u001b": 1}', 422, "usage"), (b'{"name": "' + b"x" * 3_000_000 + b'"}', 422, ""),
        (b" " * 5_000_000, 413, "http-413"),
    ],
    ids=lambda value: value[:24].decode("latin-1") if isinstance(value, bytes) else None,
)  # fmt: skip
def test_bad_bodies_get_one_clear_refusal(world: WebWorld, raw: bytes, status: int, code: str) -> None:
    answer = world.api(world.admin, "POST", "/apps", data=raw, content_type="application/json")
    want_refusal(answer, status, code)
    assert len(answer.text) < 500 and "\\u001b" not in answer.text
    assert world.call(world.admin, "apps:list") == []


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_that_is_not_called_json_is_refused(world: WebWorld, kind: str) -> None:
    want_refusal(world.api(world.admin, "POST", "/apps", data=b'{"name": "x"}', content_type=kind), 415, "content-type")


ODD = ["%00", "%F0%9F%8D%95", "%ff", "..", "a%2Fb", "%1b%5b31m", "a%0Ab", "*", "x" * 3000, "'; --"]


@pytest.mark.parametrize("name", ODD)
def test_odd_names_in_paths_are_not_found(database: Database, name: str) -> None:
    world = WebWorld(database)
    token = world.token(world.admin)
    for path in (f"/apps/{name}", f"/apps/{name}/builds/{name}", f"/apps/{name}/config/{name}"):
        answer = world.api(token, "GET", path)
        assert answer.status_code in (404, 422) and set(answer.get_json()) == {"code", "message", "hint"}
    assert world.api(token, "DELETE", f"/users/{name}").status_code in (404, 405, 422)
    assert world.browser(world.admin).get(f"/apps/{name}").status_code in (404, 422)


def test_unknown_paths_and_methods_are_refused_in_the_same_shape(world: WebWorld) -> None:
    want_refusal(world.api(None, "GET", "/nowhere"), 404, "http-404")
    client = world.flask.test_client()
    for path in ("/api", "/api/", "/api/v1", "/api/v2/apps"):
        want_refusal(client.get(path, base_url=world.origin), 404, "http-404")
    answer = world.api(None, "DELETE", "/apps")
    want_refusal(answer, 405, "http-405")
    assert "POST" in answer.headers["Allow"]


def test_flags_in_a_query_are_words(world: WebWorld) -> None:
    assert world.api(world.admin, "GET", "/ssh-keys?everyone=true").status_code == 200
    want_refusal(world.api(world.admin, "GET", "/ssh-keys?everyone=perhaps"), 422, "query")
    want_refusal(world.api(world.admin, "GET", "/apps?nope=1"), 422, "usage")


def test_a_stream_tells_log_phases_and_end(world: WebWorld) -> None:
    world.call(world.admin, "apps:create", name="blog")
    number = world.job("blog", "running", log="one\n\x1b[32mtwo\x1b[0m\n")
    world.step(number, "build", "done")
    world.end(number, "failed", result_code="build-failed", result_message="no", result_hint="do")
    answer = world.api(world.admin, "GET", f"/apps/blog/builds/{number}/stream")
    assert answer.mimetype == "text/event-stream" and answer.headers["X-Accel-Buffering"] == "no"
    kinds = [kind for kind, _, _ in events_of(answer.text)]
    assert kinds == ["progress", "log", "progress", "end"]
    assert lines_of(answer.text) == ["one", "\x1b[32mtwo\x1b[0m"]
    assert events_of(answer.text)[0][2]["steps"][0]["name"] == "build"  # type: ignore[index]
    assert events_of(answer.text)[-1][2]["code"] == "build-failed"  # type: ignore[index]


def test_a_stream_resumes_at_every_byte_that_it_named(world: WebWorld) -> None:
    world.call(world.admin, "apps:create", name="blog")
    number = world.job("blog", "succeeded")
    lines = [f"line {count} {'é' * (count % 5)}" for count in range(2000)]
    for start in range(0, 2000, 100):
        world.logs.append(f"jobs/{number}.log", "".join(f"{line}\n" for line in lines[start : start + 100]))
    path, token = f"/apps/blog/builds/{number}/stream", world.token(world.admin)
    whole = world.api(token, "GET", path).text
    assert lines_of(whole) == lines
    got: list[str] = []
    for kind, event_id, data in events_of(whole):
        if kind != "log":
            continue
        got += data  # type: ignore[operator, arg-type]
        rest = world.api(token, "GET", path, headers={"Last-Event-ID": event_id}).text
        assert got + lines_of(rest) == lines


@pytest.mark.parametrize("named", ["x", "-1", "1e9", "٣", "9" * 40, "99999999"])
def test_a_nonsense_position_harms_nothing(world: WebWorld, named: str) -> None:
    world.call(world.admin, "apps:create", name="blog")
    number = world.job("blog", "succeeded", log="one\n")
    answer = world.api(world.admin, "GET", f"/apps/blog/builds/{number}/stream?offset={named}")
    assert answer.status_code == 200 and events_of(answer.text)[-1][0] == "end"


def test_a_stream_follows_until_the_build_ends(world: WebWorld) -> None:
    world.call(world.admin, "apps:create", name="blog")
    number = world.job("blog", "running", log="one\n")
    seen: list[str] = []

    def read() -> None:
        seen.append(world.api(world.admin, "GET", f"/apps/blog/builds/{number}/stream").text)

    reader = threading.Thread(target=read)
    reader.start()
    world.logs.append(f"jobs/{number}.log", "two\nthr")
    world.step(number, "start")
    world.logs.append(f"jobs/{number}.log", "ee\n")
    world.end(number)
    world.logs.append(f"jobs/{number}.log", "")
    reader.join(60)
    assert lines_of(seen[0]) == ["one", "two", "three"]
    assert events_of(seen[0])[-1][2]["state"] == "succeeded"  # type: ignore[index]


def test_streams_are_counted_and_given_back(sqlite_database: Database) -> None:
    world = WebWorld(sqlite_database, stream_limit=2)
    world.call(world.admin, "apps:create", name="blog")
    number, token = world.job("blog", "running", log="one\n"), world.token(world.admin)
    path = f"/apps/blog/builds/{number}"
    held = [world.api(token, "GET", f"{path}/stream"), world.api(token, "GET", f"{path}/output")]
    want_refusal(world.api(token, "GET", f"{path}/stream"), 503, "streams-busy")
    held.pop().close()
    again = world.api(token, "GET", f"{path}/stream")
    assert again.status_code == 200
    again.close()
    held.pop().close()


def test_a_build_s_whole_log_is_text(world: WebWorld) -> None:
    world.call(world.admin, "apps:create", name="blog")
    number = world.job("blog", "succeeded", log="one\ntwo\n")
    answer = world.api(world.admin, "GET", f"/apps/blog/builds/{number}/output")
    assert (answer.mimetype, answer.text) == ("text/plain", "one\ntwo\n")


def test_a_command_that_needs_the_worker_says_when_it_is_away(world: WebWorld) -> None:
    world.call(world.admin, "apps:create", name="blog")
    world.deployed("blog")
    want_refusal(world.api(world.admin, "POST", "/apps/blog/run", json={"words": ["ls"]}), 503, "unavailable")
    want_refusal(world.api(world.admin, "GET", "/doctor"), 503, "unavailable")


def test_destroying_is_one_request(world: WebWorld) -> None:
    world.call(world.admin, "apps:create", name="blog")
    answer = world.api(world.admin, "DELETE", "/apps/blog")
    assert answer.status_code == 202
    with world.on.database.read() as session:
        row = session.get(Job, answer.get_json()["build"])
    assert row is not None and row.kind == "destroy"
