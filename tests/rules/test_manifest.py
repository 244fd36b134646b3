from __future__ import annotations

import json
from typing import Any

import pytest

from paas.errors import BadInputError
from paas.rules.manifest import HealthCheck, Manifest, WantedVariable, first_values, parse_manifest


def manifest_of(value: Any) -> Manifest:
    return parse_manifest(json.dumps(value).encode())


def test_an_empty_manifest_asks_for_nothing() -> None:
    assert manifest_of({}) == Manifest()


def test_everything_that_is_known_is_read() -> None:
    manifest = manifest_of(
        {
            "name": "Blog",
            "description": "A blog",
            "env": {
                "PLAIN": "text",
                "EMPTY": "",
                "SECRET": {"generator": "secret"},
                "NEEDED": {"description": "a key", "required": True},
                "MAY": {"required": False, "value": "x"},
            },
            "formation": {"web": {"quantity": 2}, "worker": {"quantity": 0}},
            "scripts": {"dokku": {"predeploy": "pre", "postdeploy": "post"}, "postdeploy": "first"},
            "healthchecks": {
                "web": [
                    {
                        "type": "startup",
                        "path": "/healthz",
                        "attempts": 5,
                        "wait": 1,
                        "timeout": 2.5,
                        "initialDelay": 1,
                    },
                    {"command": ["/bin/check", "now"]},
                ],
                "worker": [{"uptime": 10}, {"command": "test -e /tmp/up"}],
                "chat": [{"listening": True, "port": 9000}],
            },
        }
    )
    assert (manifest.name, manifest.description) == ("Blog", "A blog")
    assert manifest.variables == {
        "PLAIN": WantedVariable("text"),
        "EMPTY": WantedVariable(""),
        "SECRET": WantedVariable(is_generated=True),
        "NEEDED": WantedVariable(description="a key"),
        "MAY": WantedVariable("x", is_required=False),
    }
    assert manifest.formation == {"web": 2, "worker": 0}
    assert (manifest.predeploy, manifest.postdeploy, manifest.first_deploy) == ("pre", "post", "first")
    assert manifest.checks == {
        "web": (
            HealthCheck(path="/healthz", attempts=5, wait=1, timeout=2.5, initial_delay=1),
            HealthCheck(command=("/bin/check", "now")),
        ),
        "worker": (HealthCheck(uptime=10), HealthCheck(command=("/bin/sh", "-c", "test -e /tmp/up"))),
        "chat": (HealthCheck(port=9000),),
    }
    assert [check.kind for checks in manifest.checks.values() for check in checks] == [
        "path", "command", "uptime", "command", "listening",
    ]  # fmt: skip
    assert manifest.warnings == ()


def test_unknown_keys_are_warned_about_at_their_place() -> None:
    manifest = manifest_of(
        {
            "stack": "heroku-24",
            "formation": {"web": {"quantity": 1, "size": "standard-1x"}},
            "scripts": {"test": "x", "dokku": {"before": "y"}},
            "healthchecks": {"web": [{"path": "/", "onFailure": {}}, {"type": "liveness", "path": "/"}]},
        }
    )
    assert manifest.warnings == (
        "app.json: stack does nothing here",
        "app.json: formation.web.size does nothing here",
        "app.json: scripts.test does nothing here",
        "app.json: scripts.dokku.before does nothing here",
        "app.json: healthchecks.web.0.onFailure does nothing here",
        "app.json: healthchecks.web.1 does nothing here: only startup checks are made",
    )


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ([], "must hold an object"),
        ({"name": 3}, "name: "),
        ({"env": {"A": 3}}, "env.A: "),
        ({"env": {"A": {"value": 3}}}, "env.A.value: "),
        ({"env": {"A": {"generator": "uuid"}}}, "env.A.generator: "),
        ({"env": {"a b": "x"}}, "env.a b"),
        ({"env": {"A\n": "x"}}, "env.A"),
        ({"formation": {"web": 2}}, "formation.web: "),
        ({"formation": {"web": {"quantity": -1}}}, "formation.web.quantity: "),
        ({"formation": {"web": {"quantity": 1e9}}}, "formation.web.quantity: "),
        ({"formation": {"web": {"quantity": 41}}}, "formation.web.quantity: "),
        ({"formation": {"web": {"quantity": 20}, "worker": {"quantity": 21}}}, "formation: an app has at most 40"),
        ({"formation": {"web": {"quantity": True}}}, "formation.web.quantity: "),
        ({"formation": {"we b": {"quantity": 1}}}, "formation.we b"),
        ({"scripts": {"postdeploy": ["x"]}}, "scripts.postdeploy: "),
        ({"scripts": {"dokku": {"predeploy": ""}}}, "scripts.dokku.predeploy: "),
        ({"healthchecks": {"web": {}}}, "healthchecks.web: "),
        ({"healthchecks": {"web": [{"path": "no-slash"}]}}, "healthchecks.web.0.path: must begin with /"),
        ({"healthchecks": {"web": [{"path": "/a b"}]}}, "healthchecks.web.0.path: "),
        ({"healthchecks": {"web": [{"path": "/a\r\nHost: x"}]}}, "healthchecks.web.0.path: "),
        ({"healthchecks": {"web": [{"path": "/", "attempts": 0}]}}, "healthchecks.web.0.attempts: "),
        ({"healthchecks": {"web": [{"path": "/", "timeout": 0}]}}, "healthchecks.web.0.timeout: "),
        ({"healthchecks": {"web": [{"path": "/", "uptime": 3}]}}, "healthchecks.web.0: path and uptime exclude"),
        ({"healthchecks": {"web": [{}]}}, "healthchecks.web.0: it says nothing"),
        ({"healthchecks": {"web": [{"type": "sometimes", "path": "/"}]}}, "healthchecks.web.0.type: "),
    ],
)
def test_a_wrong_manifest_is_refused_in_one_line_with_the_place(value: Any, place: str) -> None:
    with pytest.raises(BadInputError) as caught:
        manifest_of(value)
    assert caught.value.code == "app-json"
    assert place in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"a": "' + b"x" * 10_000_000 + b'"}', b"{", b"\xff"])
def test_what_is_no_json_is_refused(content: bytes) -> None:
    with pytest.raises(BadInputError, match=r"app\.json cannot be read"):
        parse_manifest(content)


def test_first_values_leave_alone_what_is_set_and_generate_what_is_secret() -> None:
    variables = {
        "SET": WantedVariable("theirs"),
        "PLAIN": WantedVariable("text"),
        "SECRET": WantedVariable(is_generated=True),
        "MAY": WantedVariable(is_required=False),
    }
    assert first_values(variables, {"SET": "mine"}, lambda: "s3cret") == {"PLAIN": "text", "SECRET": "s3cret"}


def test_required_variables_without_a_value_are_named() -> None:
    with pytest.raises(BadInputError, match="requires A, B, which are not set") as caught:
        first_values({"A": WantedVariable(), "B": WantedVariable()}, {}, lambda: "")
    assert "config:set APP A=VALUE" in caught.value.hint
