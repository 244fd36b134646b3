from __future__ import annotations

import json
import socket
import ssl
import threading
from dataclasses import replace
from http.client import HTTPConnection

import pytest
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from paas.adapters.nginx import Nginx
from paas.adapters.nginx_process import wait_until
from paas.ports import Site, Sites
from paas.settings import Settings
from tests.adapters.nginx_world import App, fetch, free_port, nginx_home, running_app
from tests.contracts.proxy import SHOP, ProxyContract
from tests.waiting import PATIENCE


class TestNginx(ProxyContract):
    @pytest.fixture
    def proxy(self, nginx: Nginx) -> Nginx:
        nginx.apply(Sites(()))
        return nginx

    @pytest.fixture
    def broken_site(self) -> Site:
        return replace(SHOP, app_id="broken00", hosts=("a.com; location / {}",))


class TestRouting:
    def test_an_app_is_served_under_each_of_its_hosts_and_wildcards(
        self, nginx: Nginx, settings: Settings, blog: App
    ) -> None:
        nginx.apply(Sites((blog.site("blog.localhost", "www.example.org", "*.example.net"),)))
        for host in ("blog.localhost", "BLOG.localhost:80", "www.example.org", "deep.er.example.net"):
            assert fetch(settings.http_port, host, "/a%20b?c=d").json["path"] == "/a%20b?c=d"
        assert fetch(settings.http_port, "example.org").status == 404

    def test_an_unknown_host_gets_a_page(self, nginx: Nginx, settings: Settings) -> None:
        answer = fetch(settings.http_port, "nobody<b>.localhost", method="POST", body="x")
        assert answer.status == 404
        assert "No app answers to <strong>nobody&lt;b&gt;.localhost</strong>" in answer.body

    @pytest.mark.parametrize(
        ("state", "text"),
        [("stopped", "ps:start blog"), ("never-deployed", "git push paas main"), ("unhealthy", "logs blog")],
    )
    def test_an_app_that_does_not_run_has_a_page_of_its_own(
        self, nginx: Nginx, settings: Settings, blog: App, state: str, text: str
    ) -> None:
        nginx.apply(Sites((blog.site(state=state, backends=()),)))
        answer = fetch(settings.http_port, "blog.localhost", "/deep/path")
        assert (answer.status, answer.headers["retry-after"]) == (503, "30")
        assert text in answer.body
        assert "http" not in answer.body.replace("<!doctype", "")  # nothing from elsewhere

    def test_an_app_that_cannot_be_reached_has_a_page_that_names_where_to_look(
        self, nginx: Nginx, settings: Settings, blog: App
    ) -> None:
        nginx.apply(Sites((blog.site(backends=(f"127.0.0.1:{free_port()}",)),)))
        answer = fetch(settings.http_port, "blog.localhost", method="POST", body="x")
        assert answer.status == 502
        assert "logs blog" in answer.body
        assert "ps:report blog" in answer.body

    def test_an_apps_own_errors_pass_unchanged(self, nginx: Nginx, settings: Settings, blog: App) -> None:
        nginx.apply(Sites((blog.site(),)))
        answer = fetch(settings.http_port, "blog.localhost", "/error")
        assert (answer.status, answer.json["app"]) == (500, "blog")

    def test_requests_are_spread_over_the_copies_and_a_dead_one_is_passed_over(
        self, nginx: Nginx, settings: Settings
    ) -> None:
        with running_app("one") as one, running_app("two") as two:
            dead = f"127.0.0.1:{free_port()}"
            nginx.apply(Sites((one.site("x.localhost", backends=(one.backend, two.backend, dead)),)))
            answers = [fetch(settings.http_port, "x.localhost", method="POST", body="x") for _ in range(20)]
        assert {answer.status for answer in answers} == {200}
        assert {answer.json["app"] for answer in answers} == {"one", "two"}

    def test_a_post_that_broke_off_is_not_sent_twice(self, nginx: Nginx, settings: Settings, blog: App) -> None:
        nginx.apply(Sites((blog.site(backends=(blog.backend, blog.backend)),)))
        assert fetch(settings.http_port, "blog.localhost", "/break-off", method="POST", body="x").status == 502

    def test_large_uploads_arrive_and_larger_ones_are_refused(
        self, nginx: Nginx, settings: Settings, blog: App
    ) -> None:
        nginx.apply(Sites((blog.site(upload_limit=5_000_000),)))
        arrived = fetch(settings.http_port, "blog.localhost", method="POST", body=b"x" * 5_000_000)
        assert arrived.json["received"] == 5_000_000
        refused = fetch(settings.http_port, "blog.localhost", method="POST", body=b"", Content_Length="5000001")
        assert refused.status == 413
        assert "too large" in refused.body

    def test_large_texts_are_compressed_when_the_client_likes_it(self, nginx: Nginx, settings: Settings) -> None:
        with running_app("text", Content_Type="application/json", X_Filler="x") as app:
            nginx.apply(Sites((app.site(),)))
            filler = "y" * 2000
            compressed = fetch(settings.http_port, "text.localhost", Accept_Encoding="gzip", X_Filler=filler)
            plain = fetch(settings.http_port, "text.localhost", X_Filler=filler)
        assert compressed.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in plain.headers


class TestHeaders:
    @pytest.fixture
    def port(self, nginx: Nginx, settings: Settings, blog: App) -> int:
        nginx.apply(Sites((blog.site(),)))
        return settings.http_port

    def test_the_app_learns_the_real_client_whatever_the_client_says(self, port: int) -> None:
        got = fetch(
            port,
            f"blog.localhost:{port}",
            X_Forwarded_For="6.6.6.6",
            X_Forwarded_Proto="https",
            X_Forwarded_Host="evil.example",
            X_Forwarded_Port="1",
            X_Real_IP="6.6.6.6",
            Forwarded="for=6.6.6.6",
            X_Forwarded_Prefix="/evil",
            X_Client_IP="6.6.6.6",
            Proxy="http://evil.example",
        ).json["headers"]
        assert got["x-forwarded-for"] == got["x-real-ip"] == "127.0.0.1"
        assert got["x-forwarded-proto"] == "http"
        assert got["host"] == got["x-forwarded-host"] == f"blog.localhost:{port}"
        assert got["x-forwarded-port"] == str(port)
        assert "evil" not in json.dumps(got)
        assert "6.6.6.6" not in json.dumps(got)

    def test_a_request_has_an_id_ours_or_a_sane_one_of_the_client(self, port: int) -> None:
        given = fetch(port, "blog.localhost", X_Request_ID="abc-123.def_456").json["headers"]["x-request-id"]
        made = fetch(port, "blog.localhost", X_Request_ID='"}\\{"').json["headers"]["x-request-id"]
        assert given == "abc-123.def_456"
        assert len(made) == 32

    def test_what_an_app_says_with_x_accel_is_ignored(self, nginx: Nginx, settings: Settings) -> None:
        with running_app("evil", X_Accel_Redirect="/.paas-pages/stopped.html", X_Accel_Limit_Rate="1") as evil:
            nginx.apply(Sites((evil.site(),)))
            answer = fetch(settings.http_port, "evil.localhost")
        assert answer.json["app"] == "evil"
        assert not [name for name in answer.headers if name.startswith("x-accel")]

    def test_our_pages_cannot_be_asked_for(self, port: int) -> None:
        assert fetch(port, "blog.localhost", "/.paas-pages/stopped.html").status == 404

    def test_the_log_has_a_line_of_json_without_the_query(self, nginx: Nginx, settings: Settings, port: int) -> None:
        log = settings.home / "nginx" / "logs" / "access.log"
        fetch(port, "blog.localhost", "/seen?token=s3cret", User_Agent='a "quoted" agent')
        assert wait_until(lambda: "/seen" in log.read_text(), PATIENCE)
        line = next(json.loads(line) for line in log.read_text().splitlines() if "/seen" in line)
        assert (line["app"], line["host"], line["method"], line["path"]) == (
            "blog0000",
            "blog.localhost",
            "GET",
            "/seen",
        )
        assert (line["status"], line["client"], line["user_agent"]) == (200, "127.0.0.1", 'a "quoted" agent')
        assert "s3cret" not in log.read_text()

    def test_a_large_log_is_put_aside_and_goes_on_in_a_new_file(
        self, nginx: Nginx, settings: Settings, port: int
    ) -> None:
        log = settings.home / "nginx" / "logs" / "access.log"
        fetch(port, "blog.localhost", "/before")
        assert wait_until(lambda: "/before" in log.read_text(), PATIENCE)
        assert Nginx(settings.model_copy(update={"log_file_limit": 1})).rotate_logs()
        assert wait_until(log.exists, PATIENCE)
        fetch(port, "blog.localhost", "/after")
        assert wait_until(lambda: "/after" in log.read_text(), PATIENCE)


class TestStreams:
    def test_a_websocket_passes_both_ways(self, nginx: Nginx, settings: Settings, blog: App) -> None:
        def echo(line: ServerConnection) -> None:
            for message in line:
                line.send(f"you said {message!r}")

        with serve(echo, "127.0.0.1", 0) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            nginx.apply(Sites((blog.site(backends=(f"127.0.0.1:{server.socket.getsockname()[1]}",)),)))
            plain = socket.create_connection(("127.0.0.1", settings.http_port), PATIENCE)
            with connect("ws://blog.localhost/socket", sock=plain, proxy=None) as line:
                line.send("hello")
                assert line.recv(timeout=PATIENCE) == "you said 'hello'"
                nginx.apply(Sites((blog.site(), SHOP)))  # deploying another app cuts nobody's WebSocket
                line.send("still here")
                assert line.recv(timeout=PATIENCE) == "you said 'still here'"
            server.shutdown()

    @pytest.mark.parametrize(
        ("asked", "told"), [({"Accept": "text/event-stream"}, {}), ({}, {"X_Accel_Buffering": "no"})]
    )
    def test_events_arrive_as_they_are_sent(
        self, nginx: Nginx, settings: Settings, asked: dict[str, str], told: dict[str, str]
    ) -> None:
        with running_app("events", **told) as app:
            nginx.apply(Sites((app.site(),)))
            line = HTTPConnection("127.0.0.1", settings.http_port, timeout=PATIENCE)
            line.request("GET", "/stream", headers={"Host": "events.localhost", **asked})
            answer = line.getresponse()
            assert answer.readline() == b"data: one\n"
            app.go_on.set()
            assert answer.read() == b"\ndata: two\n\n"
            line.close()


class TestDashboard:
    def test_while_there_is_no_domain_any_address_of_the_machine_leads_to_the_dashboard(
        self, nginx: Nginx, settings: Settings
    ) -> None:
        for host in ("paas.localhost", "127.0.0.1", "192.168.7.9:8080", "[::1]:8080"):
            answer = fetch(settings.http_port, host)
            assert answer.status == 502, host
            assert "The dashboard does not answer" in answer.body
        assert fetch(settings.http_port, "unknown.example").status == 404

    @pytest.mark.parametrize("accept", ["*/*", "text/event-stream"])
    def test_who_asks_the_api_is_refused_in_json(self, nginx: Nginx, settings: Settings, accept: str) -> None:
        for path, length, status, code in (
            ("/api/v1/apps", "0", 502, "unavailable"),
            ("/api", "9" * 15, 413, "http-413"),
        ):
            asked = {"Accept": accept, "Content_Length": length}
            answer = fetch(settings.http_port, "paas.localhost", path, method="POST", **asked)
            assert (answer.status, answer.headers["content-type"]) == (status, "application/json")
            assert answer.json["code"] == code and set(answer.json) == {"code", "message", "hint"}

    def test_a_flood_of_sign_ins_is_slowed_down_and_reading_is_not(self, nginx: Nginx, settings: Settings) -> None:
        posted = [fetch(settings.http_port, "paas.localhost", "/sign-in", method="POST").status for _ in range(60)]
        read = [fetch(settings.http_port, "paas.localhost", "/sign-in").status for _ in range(60)]
        assert set(posted) == {502, 429}
        assert set(read) == {502}

    def test_with_a_domain_it_has_one_host_and_those_of_further_base_domains(self) -> None:
        with nginx_home(domain="example.com") as made:
            nginx = Nginx(made)
            nginx.start()
            nginx.apply(Sites((), dashboard_hosts=("paas.example.org",)))
            assert fetch(made.http_port, "paas.example.com").status == 502
            assert fetch(made.http_port, "paas.example.org").status == 502
            assert fetch(made.http_port, "127.0.0.1").status == 404


class TestTls:
    def _speak(self, settings: Settings, name: str, *protocols: str) -> tuple[str | None, bytes]:
        context = ssl.create_default_context(cafile=str(settings.tls_cert))
        context.set_alpn_protocols(list(protocols))
        with (
            socket.create_connection(("127.0.0.1", settings.https_port), 5) as plain,
            context.wrap_socket(plain, server_hostname=name) as line,
        ):
            if "h2" not in protocols:
                line.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
                return line.selected_alpn_protocol(), b"".join(iter(lambda: line.recv(65536), b""))
            return line.selected_alpn_protocol(), b""

    def test_a_covered_host_is_served_on_https(self, served: Settings) -> None:
        _, answer = self._speak(served, "blog.example.com", "http/1.1")
        assert b'"x-forwarded-proto": "https"' in answer
        assert b'"x-forwarded-port": "443"' in answer

    def test_http_2_is_offered(self, served: Settings) -> None:
        assert self._speak(served, "blog.example.com", "h2", "http/1.1")[0] == "h2"

    def test_its_http_sends_to_https(self, served: Settings) -> None:
        answer = fetch(served.http_port, f"blog.example.com:{served.http_port}", "/a?b=c")
        assert answer.status == 301
        assert answer.headers["location"] == f"https://blog.example.com:{served.https_port}/a?b=c"
        assert fetch(served.http_port, "paas.example.com").status == 301

    def test_a_host_that_the_certificate_does_not_name_stays_on_http(self, served: Settings) -> None:
        assert fetch(served.http_port, "www.custom.org").json["app"] == "blog"

    def test_below_a_covered_wildcard_only_one_label_is_sent_to_https(self, secure: Settings, blog: App) -> None:
        with nginx_home(domain="example.com", tls_cert=secure.tls_cert, tls_key=secure.tls_key) as made:
            nginx = Nginx(made)
            nginx.start()
            nginx.apply(Sites((blog.site("*.example.com"),)))
            assert fetch(made.http_port, "one.example.com", "/a").headers["location"].startswith("https://one.example")
            assert fetch(made.http_port, "one.two.example.com").json["app"] == "blog"

    @pytest.mark.parametrize("name", ["www.custom.org", "nobody.example.com"])
    def test_an_unknown_host_is_refused_in_the_handshake(self, served: Settings, name: str) -> None:
        with pytest.raises(ssl.SSLError, match="unrecognized name"):
            self._speak(served, name, "http/1.1")

    def test_without_a_certificate_every_handshake_is_refused(self, nginx: Nginx, settings: Settings) -> None:
        context = ssl._create_unverified_context()
        with socket.create_connection(("127.0.0.1", settings.https_port), 5) as plain, pytest.raises(ssl.SSLError):
            context.wrap_socket(plain, server_hostname="blog.localhost")

    def test_the_key_in_the_tree_is_roots_alone(self, served: Settings) -> None:
        assert (served.home / "nginx/current/tls/key.pem").stat().st_mode & 0o777 == 0o600
