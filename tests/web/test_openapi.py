"""Is docs/openapi.json true? Requests made up from it get no undocumented answer, and meet none of our bugs."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from openapi_pydantic import OpenAPI
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks as openapi

from paas.web.openapi import describe
from tests.web.world import WebWorld

CHECKS = [
    not_a_server_error, openapi.status_code_conformance, openapi.content_type_conformance,
    openapi.response_headers_conformance, openapi.response_schema_conformance,
]  # fmt: skip
DOWN = 503  # documented: there is no worker in these tests


def test_the_document_is_openapi_3_1() -> None:
    OpenAPI.model_validate(describe())
    assert describe()["openapi"].startswith("3.1")


def test_every_operation_says_what_it_does_and_how_it_refuses() -> None:
    seen = set()
    for path, methods in describe()["paths"].items():
        for operation in methods.values():
            assert operation["summary"] and {"401", "404", "422", "503"} <= set(operation["responses"]), path
            seen.add(operation["operationId"])
    assert len(seen) == sum(map(len, describe()["paths"].values()))


OPERATIONS = [(method, path) for path, methods in describe()["paths"].items() for method in methods]


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=[f"{method} {path}" for method, path in OPERATIONS])
def test_made_up_requests_get_documented_answers(world: WebWorld, method: str, path: str) -> None:
    """Half of them name what is there, as a caller would."""
    world.call(world.admin, "apps:create", name="blog")
    world.deployed("blog", versions=3)
    number = world.job("blog", "failed", log="one\n")
    names = {"app": "blog", "build": str(number), "version": "v2", "before": "v1", "after": "v2", "user": "ben"}
    headers = {"Host": "paas.example.com", "Authorization": f"Bearer {world.token(world.admin)}"}
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", world.flask, headers=headers)

    @settings(max_examples=10, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(case=schema[path][method.upper()].as_strategy(), is_known=st.booleans())
    def ask(case: Case, is_known: bool) -> None:
        if is_known:
            case.path_parameters = {name: names.get(name, value) for name, value in case.path_parameters.items()}
        if case.query:
            case.query.pop("tail", None)  # it goes on for ever
        answer = case.call(headers=headers)
        if answer.status_code != DOWN:
            case.validate_response(answer, checks=CHECKS)

    ask()
