"""Is a body that was refused unread still taken in, so that the proxy before us passes the refusal on?"""

from __future__ import annotations

from io import BytesIO

from werkzeug.test import EnvironBuilder, run_wsgi_app

from tests.web.world import WebWorld


def test_a_refused_body_is_read_to_its_end(world: WebWorld) -> None:
    for path, refusal in {"/api/v1/apps": "401", "/sign-in": "403", "/nowhere": "404"}.items():
        body = BytesIO(b"x" * 5_000_000)
        environ = EnvironBuilder(path, world.origin, method="POST", input_stream=body).get_environ()
        environ |= {"wsgi.input_terminated": True, "CONTENT_LENGTH": "5000000"}
        _, status, _ = run_wsgi_app(world.flask.wsgi_app, environ)
        assert status[:3] == refusal
        assert body.tell() == 5_000_000


def test_an_input_without_an_end_is_left_alone(world: WebWorld) -> None:
    body = BytesIO(b"x")
    environ = EnvironBuilder("/nowhere", world.origin, method="POST", input_stream=body).get_environ()
    run_wsgi_app(world.flask.wsgi_app, environ)
    assert body.tell() == 0
