"""What may a visitor, or an app, say to our nginx?

Attack: hosts that are two, odd or none; requests that two servers would read differently; headers that forge who asks;
an app's answers that would make nginx read files or speak to sockets.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator

import pytest

from tests.attacks.town import Tenant, Two, two_tenants
from tests.journeys.installation import Installation

ECHO = """\
import http.server, json, os
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.dumps([self.command, self.path, self.headers.items(), self.rfile.read(length).decode()]).encode()
        self.send_response(200)
        if self.path.startswith("/accel"):
            target = self.path.partition("?")[2]
            for name in ("X-Accel-Redirect", "X-Sendfile", "X-Reproxy-URL"):
                self.send_header(name, target)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_POST = do_GET
http.server.ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
"""


@pytest.fixture
def two(shared: Installation) -> Two:
    return two_tenants(shared)


@pytest.fixture(scope="module")
def echo(shared: Installation) -> Iterator[str]:
    """The host of an app that tells what it was sent."""
    bea: Tenant = two_tenants(shared).bea
    repository = shared.repository("echo", bea.name)
    files = bea.files()
    files["server.py"] = ECHO
    files["Dockerfile"] = files["Dockerfile"].replace("--mount=type=secret,id=TOKEN cat /run/secrets/TOKEN", "true")
    repository.commit(files)
    pushed = repository.push()
    assert pushed.returncode == 0, pushed.stderr
    yield "echo.localhost"


def say(on: Installation, raw: bytes) -> list[tuple[int, str]]:
    """Statuses and bodies of all answers to these bytes, until nginx closes."""
    with socket.create_connection(("127.0.0.1", on.http_port), timeout=5) as line:
        line.sendall(raw)
        text = b""
        try:
            while chunk := line.recv(65_536):
                text += chunk
        except TimeoutError:
            pass
    parts = re.split(rb"(?:\A|(?<=[\n\]}]))HTTP/1\.[01] (\d+)[^\n]*\n", text)
    return [(int(parts[at]), parts[at + 1].decode("utf-8", "replace")) for at in range(1, len(parts), 2)]


def ask(on: Installation, *lines: str, body: str = "") -> tuple[int, str]:
    answers = say(on, "\r\n".join([*lines, "Connection: close", "", body]).encode("latin-1"))
    assert len(answers) <= 1
    return answers[0] if answers else (0, "")


# --- Hosts ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("host", ["alpha.localhost", "ALPHA.LocalHost", "alpha.localhost:1", "alpha.localhost."])
def test_a_host_is_found_however_it_is_written(two: Two, host: str) -> None:
    status, body = ask(two.on, "GET / HTTP/1.1", f"Host: {host}")
    assert status == 200 and body.endswith("alpha")


@pytest.mark.parametrize(
    "host",
    ["alpha_localhost", "alpha.localhost.evil.com", "xalpha.localhost", "alpha.localhost/../x", "alpha..localhost",
     "alpha.localhost@beta", "alpha .localhost", "$host", "*.localhost", "localhost\\", "{{7*7}}", "<script>", "\xff",
     "alpha.localhost,beta.localhost", "unix:/run/paas", "."],
)  # fmt: skip
def test_an_odd_host_is_nobody_s(two: Two, host: str) -> None:
    status, body = ask(two.on, "GET / HTTP/1.1", f"Host: {host}")
    assert status in (400, 404) and two.ana.said not in body
    assert "<script>" not in body.partition("\r\n\r\n")[2].replace("<script></script>", "")


def test_two_hosts_and_none_are_refused(two: Two) -> None:
    assert ask(two.on, "GET / HTTP/1.1", "Host: alpha.localhost", "Host: beta.localhost")[0] == 400
    assert ask(two.on, "GET / HTTP/1.1")[0] == 400
    assert ask(two.on, "GET / HTTP/1.0")[0] in (400, 404)
    assert ask(two.on, "GET / HTTP/1.1", "Host:")[0] in (400, 404)


def test_of_an_absolute_address_and_a_host_the_app_hears_the_one_that_was_routed(two: Two, echo: str) -> None:
    status, body = ask(two.on, f"GET http://{echo}/x HTTP/1.1", "Host: alpha.localhost")
    assert status == 200
    heard = dict(json.loads(body.partition("\r\n\r\n")[2])[2])
    assert heard["Host"].partition(":")[0] == echo == heard["X-Forwarded-Host"].partition(":")[0]


def test_a_stranger_s_host_does_not_reach_the_dashboard(two: Two) -> None:
    status, _ = ask(two.on, "GET http://paas.localhost/sign-in HTTP/1.1", "Host: evil.example")
    assert status in (200, 303)  # our own page, under our own name
    assert ask(two.on, "GET /sign-in HTTP/1.1", "Host: evil.example")[0] == 404


# --- Headers ----------------------------------------------------------------------------------------------------------
FORGED = [
    "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil", "X-Forwarded-Port: 6",
    "X-Real-IP: 6.6.6.6", "Forwarded: for=6.6.6.6", "X-Forwarded-Prefix: /evil", "True-Client-IP: 6.6.6.6",
    "X-Client-IP: 6.6.6.6", "Proxy: http://evil", "X-Original-URL: /evil", "X-Forwarded-User: evil",
    "X_Forwarded_For: 6.6.6.6", "X_Real_IP: 6.6.6.6", "X-Request-ID: evil id\tevil",
]  # fmt: skip


def test_who_asks_is_not_what_the_asker_says(two: Two, echo: str) -> None:
    status, body = ask(two.on, "GET / HTTP/1.1", f"Host: {echo}", *FORGED)
    assert status == 200
    heard = json.loads(body.partition("\r\n\r\n")[2])[2]
    assert not [pair for pair in heard if "6.6.6.6" in pair[1] or "evil" in pair[1]]
    told = dict(heard)
    assert (told["X-Forwarded-For"], told["X-Real-IP"], told["X-Forwarded-Proto"]) == ("127.0.0.1", "127.0.0.1", "http")


@pytest.mark.parametrize(
    "target",
    ["/.paas-pages/unknown.html", "@stream", "/etc/passwd", "/current/nginx.conf", "http://unix:/run/web.sock:/",
     "/.paas-pages/../../../keys/config.key"],
)  # fmt: skip
def test_an_app_s_answer_makes_nginx_serve_nothing_else(two: Two, echo: str, target: str) -> None:
    status, body = ask(two.on, f"GET /accel?{target} HTTP/1.1", f"Host: {echo}")
    assert status == 200 and body.partition("\r\n\r\n")[2].startswith('["GET", "/accel?')


@pytest.mark.parametrize(
    "path",
    ["/.paas-pages/unknown.html", "/.paas-pages/../nginx.conf", "/.paas-pages/%2e%2e/nginx.conf", "//.paas-pages/x"],
)
def test_our_pages_are_not_asked_for_from_outside(two: Two, path: str) -> None:
    for app in ("alpha.localhost", "nobody.localhost"):
        status, body = ask(two.on, f"GET {path} HTTP/1.1", f"Host: {app}")
        assert status in (200, 400, 404) and "worker_processes" not in body


# --- Requests that two servers would read differently -----------------------------------------------------------------
SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: alpha.localhost\r\n\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        [f"Content-Length: {len(SMUGGLED) + 5}", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Content-Length: 5"],
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: +5"],
        ["Content-Length: -1"],
        ["Transfer-Encoding: xchunked"],
        ["Transfer-Encoding: chunked, identity"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
        ["Transfer-Encoding : chunked"],
    ],
)
def test_a_body_whose_end_is_doubtful_is_refused(two: Two, echo: str, headers: list[str]) -> None:
    raw = "\r\n".join(["POST / HTTP/1.1", f"Host: {echo}", *headers, "", f"0\r\n\r\n{SMUGGLED}"])
    answers = say(two.on, raw.encode())
    assert answers and answers[0][0] in (400, 411, 413, 501)
    assert not any("/smuggled" in body for _, body in answers)


def test_h2c_opens_no_tunnel(two: Two, echo: str) -> None:
    status, body = ask(
        two.on, "GET / HTTP/1.1", f"Host: {echo}", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"
    )
    assert status == 200 and "h2c" not in body


@pytest.mark.parametrize(
    "line", ["GET /a b HTTP/1.1", "GET / HTTP/9.9", "\x16\x03\x01\x02\x00", "CONNECT alpha:22 HTTP/1.1"]
)
def test_a_line_that_is_no_request_is_refused(two: Two, line: str) -> None:
    assert ask(two.on, line, "Host: alpha.localhost")[0] in (0, 400, 405, 505)


def test_headers_without_end_are_cut_off(two: Two) -> None:
    status, _ = ask(two.on, "GET / HTTP/1.1", "Host: alpha.localhost", f"X: {'x' * 20_000}")
    assert status == 400
    status, _ = ask(two.on, f"GET /{'x' * 20_000} HTTP/1.1", "Host: alpha.localhost")
    assert status == 414
