"""What every Prober promises: asked of the fake and of real sockets alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from paas.adapters.prober import SocketProber
from paas.ports import ContainerSpec, HttpAnswer, ImageFacts, Prober
from tests.fakes.prober import FakeProber
from tests.fakes.runtime import Behaviour, FakeRuntime

Listen = Callable[[HttpAnswer | None], tuple[Prober, str, int]]


@pytest.fixture(params=["fake", "sockets"])
def listen(request: pytest.FixtureRequest) -> Iterator[Listen]:
    """Have a process that gives this answer (None: that does not listen); the prober, its address and port."""
    with ExitStack() as undo:
        yield _fake if request.param == "fake" else lambda answer: _serve(answer, undo)


def _fake(answer: HttpAnswer | None) -> tuple[Prober, str, int]:
    runtime = FakeRuntime()
    runtime.add_image(ImageFacts("sha256:1", ("a",), 1, datetime.now(UTC), (), (), (), "", {}))
    runtime.behave("web", Behaviour(answer=answer) if answer else Behaviour(listens=False))
    runtime.start(ContainerSpec("paas-x-web-1-r1", "a", "x", "x", "web", 1, 1, 1, address="10.254.0.2"))
    return FakeProber(runtime), "10.254.0.2", 5000


def _serve(answer: HttpAnswer | None, undo: ExitStack) -> tuple[Prober, str, int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert answer is not None
            self.send_response(answer.status)
            self.send_header("Location", answer.location)
            self.end_headers()
            self.wfile.write(answer.body.encode())

        def log_message(self, *words: object) -> None:
            """Quietly."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    if answer is None:
        server.server_close()
    else:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        undo.callback(server.server_close)
        undo.callback(server.shutdown)
    return SocketProber(), "127.0.0.1", server.server_port


@pytest.mark.parametrize("answer", [HttpAnswer(200, "ok"), HttpAnswer(302, "", "/login"), HttpAnswer(503, "not yet")])
def test_what_listens_accepts_and_its_answer_is_told(listen: Listen, answer: HttpAnswer) -> None:
    prober, address, port = listen(answer)
    assert prober.accepts(address, port)
    assert prober.get(address, port, "/", "blog.localhost", 2) == answer


def test_what_does_not_listen_neither_accepts_nor_answers(listen: Listen) -> None:
    prober, address, port = listen(None)
    assert not prober.accepts(address, port)
    with pytest.raises(ConnectionError):
        prober.get(address, port, "/", "blog.localhost", 2)
