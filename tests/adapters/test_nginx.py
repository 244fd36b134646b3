from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path

import pytest
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from paas.adapters.nginx import Nginx
from paas.adapters.nginx_process import wait_until
from paas.errors import UnavailableError
from paas.ports import Site, Sites
from paas.settings import Settings
from tests.adapters.nginx_world import App, changed_templates, fetch, free_port, nginx_home, running_app
from tests.contracts.proxy import SHOP, ProxyContract

SITE_TEMPLATE_THAT_BREAKS = '{% if app_name == "broken" %}nonsense{{ upload_limit }};{% endif %}\n'


@pytest.fixture(scope="module")
def settings() -> Iterator[Settings]:
    with nginx_home() as made:
        yield made


@pytest.fixture(scope="module")
def nginx(settings: Settings) -> Nginx:
    made = Nginx(settings)
    made.start()
    return made


@pytest.fixture(scope="module")
def blog() -> Iterator[App]:
    with running_app("blog") as app:
        yield app


@pytest.fixture
def home() -> Iterator[Settings]:
    """For one test alone."""
    with nginx_home() as made:
        yield made


@pytest.fixture
def own(home: Settings) -> Nginx:
    """The nginx of `home`."""
    made = Nginx(home)
    made.start()
    return made


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings with a certificate for example.com and *.example.com."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=example.com"
    names = "subjectAltName=DNS:*.example.com,DNS:example.com"
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*make.split(), "-addext", names, *files], check=True, capture_output=True)
    with nginx_home(domain="example.com", tls_cert=certificate, tls_key=key) as made:
        yield made


@pytest.fixture(scope="module")
def served(secure: Settings, blog: App) -> Settings:
    """`secure`, with a running nginx and one app."""
    nginx = Nginx(secure)
    nginx.start()
    nginx.apply(Sites((blog.site("blog.example.com", "www.custom.org"),)))
    return secure


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
        assert wait_until(lambda: "/seen" in log.read_text(), 5)
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
        assert wait_until(lambda: "/before" in log.read_text(), 5)
        assert Nginx(settings.model_copy(update={"log_file_limit": 1})).rotate_logs()
        assert wait_until(log.exists, 5)
        fetch(port, "blog.localhost", "/after")
        assert wait_until(lambda: "/after" in log.read_text(), 5)


class TestStreams:
    def test_a_websocket_passes_both_ways(self, nginx: Nginx, settings: Settings, blog: App) -> None:
        def echo(line: ServerConnection) -> None:
            for message in line:
                line.send(f"you said {message!r}")

        with serve(echo, "127.0.0.1", 0) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            nginx.apply(Sites((blog.site(backends=(f"127.0.0.1:{server.socket.getsockname()[1]}",)),)))
            plain = socket.create_connection(("127.0.0.1", settings.http_port), 5)
            with connect("ws://blog.localhost/socket", sock=plain, proxy=None) as line:
                line.send("hello")
                assert line.recv(timeout=5) == "you said 'hello'"
                nginx.apply(Sites((blog.site(), SHOP)))  # deploying another app cuts nobody's WebSocket
                line.send("still here")
                assert line.recv(timeout=5) == "you said 'still here'"
            server.shutdown()

    @pytest.mark.parametrize(
        ("asked", "told"), [({"Accept": "text/event-stream"}, {}), ({}, {"X_Accel_Buffering": "no"})]
    )
    def test_events_arrive_as_they_are_sent(
        self, nginx: Nginx, settings: Settings, asked: dict[str, str], told: dict[str, str]
    ) -> None:
        with running_app("events", **told) as app:
            nginx.apply(Sites((app.site(),)))
            line = HTTPConnection("127.0.0.1", settings.http_port, timeout=5)
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


class TestQuarantine:
    def test_neighbours_are_served_and_the_last_good_file_stays(self, tmp_path: Path, blog: App) -> None:
        with nginx_home() as made, running_app("broken") as app:
            before = Nginx(made)
            before.start()
            before.apply(Sites((app.site(), blog.site())))
            after = Nginx(made, changed_templates(tmp_path, site=SITE_TEMPLATE_THAT_BREAKS))
            applied = after.apply(Sites((app.site("new.localhost"), blog.site("blog.localhost", "blog2.localhost"))))
            assert set(applied.quarantined) == {"broken00"}
            said = 'unknown directive "nonsense5000000" in sites/app-broken00.conf:'
            assert applied.quarantined["broken00"].startswith(said)
            assert fetch(made.http_port, "broken.localhost").json["app"] == "broken"
            assert fetch(made.http_port, "new.localhost").status == 404
            assert fetch(made.http_port, "blog2.localhost").json["app"] == "blog"

    def test_a_new_site_that_is_broken_shows_a_page_or_nothing(self, own: Nginx, home: Settings, blog: App) -> None:
        applied = own.apply(
            Sites(
                (
                    blog.site(),
                    replace(blog.site("bad.localhost", backends=("127.0.0.1:1; }",)), app_id="badbad00"),
                    replace(blog.site("evil;"), app_id="evil0000"),
                )
            )
        )
        assert set(applied.quarantined) == {"badbad00", "evil0000"}
        assert fetch(home.http_port, "bad.localhost").status == 503
        assert "refused the configuration" in fetch(home.http_port, "bad.localhost").body
        assert fetch(home.http_port, "blog.localhost").json["app"] == "blog"

    def test_sites_that_are_refused_only_together_are_told_apart(
        self, own: Nginx, home: Settings, tmp_path: Path, blog: App
    ) -> None:
        text = '{% if app_name == "twin" %}upstream same { server 127.0.0.1:1; }{% endif %}\n'
        nginx = Nginx(home, changed_templates(tmp_path, site=text))
        twins = tuple(
            replace(blog.site(f"{name}.localhost"), app_id=name, app_name="twin") for name in ("twin0001", "twin0002")
        )
        assert len(nginx.apply(Sites((*twins, blog.site()))).quarantined) == 1
        assert fetch(home.http_port, "blog.localhost").json["app"] == "blog"

    def test_a_broken_base_changes_nothing(self, own: Nginx, home: Settings, tmp_path: Path, blog: App) -> None:
        own.apply(Sites((blog.site(),)))
        broken = Nginx(home, changed_templates(tmp_path, default="nonsense;"))
        with pytest.raises(UnavailableError, match="unknown directive"):
            broken.apply(Sites(()))
        assert fetch(home.http_port, "blog.localhost").json["app"] == "blog"


class TestReload:
    def test_no_request_is_lost_and_none_goes_to_the_old_backend_after_a_swap(self, own: Nginx, home: Settings) -> None:
        failures: list[str] = []
        over = threading.Event()
        newest = ["", ""]
        count = 0

        def probe() -> None:
            nonlocal count
            while not over.is_set():
                wanted = newest[:]
                try:
                    answer = fetch(home.http_port, "app.localhost")
                except OSError as error:
                    failures.append(repr(error))
                    continue
                count += 1
                if answer.status != 200 or (wanted == newest and answer.json["app"] not in wanted):
                    failures.append(f"{answer.status}: {answer.body[:60]} instead of {wanted}")
                time.sleep(0.002)

        with running_app("red", "127.0.0.2") as red, running_app("blue", "127.0.0.3") as blue:
            site = replace(red.site("app.localhost"), app_id="swapped0")
            own.apply(Sites((site,)))
            newest[:] = ["red", "red"]
            probers = [threading.Thread(target=probe) for _ in range(2)]
            for thread in probers:
                thread.start()
            for turn in range(6):
                old, new = (red, blue) if turn % 2 == 0 else (blue, red)
                newest[:] = [old.name, new.name]
                own.apply(Sites((replace(site, backends=(new.backend,)),)))
                newest[:] = [new.name, new.name]
                assert wait_until(lambda old=old: own.connections_to(old.address) == 0, 5)  # type: ignore[misc]
            over.set()
            for thread in probers:
                thread.join()
        assert failures == []
        assert count > 30

    def test_a_request_that_comes_late_on_an_old_connection_finds_the_new_copies(
        self, own: Nginx, home: Settings
    ) -> None:
        with running_app("red", "127.0.0.2") as red, running_app("blue", "127.0.0.3") as blue:
            site = replace(red.site("app.localhost", "gone.localhost"), app_id="swapped0")
            own.apply(Sites((site,)))
            lines = [socket.create_connection(("127.0.0.1", home.http_port), 5) for _ in range(3)]
            fetch(home.http_port, "app.localhost")  # whoever accepted this one has accepted the others too
            red.stop()
            own.apply(Sites((replace(site, hosts=("app.localhost",), backends=(blue.backend,)),)))
            answers = []
            for line, request in zip(lines, ("GET / HTTP/1.1", "POST /x?y=z HTTP/1.1", "GET / HTTP/1.1"), strict=True):
                host = "gone.localhost" if line is lines[2] else "app.localhost:81"
                head = (
                    f"{request}\r\nHost: {host}\r\nX-Forwarded-For: 6.6.6.6\r\nContent-Length: 3\r\nConnection: close"
                )
                line.sendall(f"{head}\r\n\r\nabc".encode())
                answers.append(b"".join(iter(lambda line=line: line.recv(65536), b"")))  # type: ignore[misc]
                line.close()
        told = [json.loads(answer.partition(b"\r\n\r\n")[2]) for answer in answers[:2]]
        assert [(it["app"], it["method"], it["path"], it["received"]) for it in told] == [
            ("blue", "GET", "/", 3),
            ("blue", "POST", "/x?y=z", 3),
        ]
        assert told[0]["headers"]["x-forwarded-for"] == "127.0.0.1"
        assert told[0]["headers"]["host"] == "app.localhost:81"
        assert told[0]["headers"]["x-forwarded-port"] == "81"
        assert b"No app answers" in answers[2]

    def test_a_connection_to_a_backend_is_counted_until_it_ends(self, own: Nginx, home: Settings) -> None:
        with running_app("slow", "127.0.0.4") as slow:
            own.apply(Sites((slow.site(),)))
            request = threading.Thread(target=fetch, args=(home.http_port, "slow.localhost", "/slow"))
            request.start()
            assert wait_until(lambda: own.connections_to("127.0.0.4") == 1, 2)
            request.join()
            assert wait_until(lambda: own.connections_to("127.0.0.4") == 0, 5)

    def test_a_reload_that_nginx_refuses_is_taken_back(
        self, own: Nginx, home: Settings, tmp_path: Path, blog: App
    ) -> None:
        applied = own.apply(Sites((blog.site(),)))
        with running_app("holder") as holder:  # nginx -t does not mind a taken port, the reload does
            other = changed_templates(tmp_path, default=f"server {{ listen 127.0.0.1:{holder.port}; }}\n")
            with pytest.raises(UnavailableError, match="Address already in use"):
                Nginx(home, other).apply(Sites(()))
        assert fetch(home.http_port, "blog.localhost").json["app"] == "blog"
        assert own.apply(Sites((blog.site(),))) == applied

    def test_callers_that_wait_together_share_one_reload(self, own: Nginx, home: Settings, blog: App) -> None:
        first = own.apply(Sites(())).number
        wholes = [Sites((blog.site("blog.localhost", f"n{count}.localhost"),)) for count in range(8)]
        callers = [threading.Thread(target=own.apply, args=(whole,)) for whole in wholes]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        statuses = [fetch(home.http_port, f"n{count}.localhost").status for count in range(8)]
        assert statuses.count(200) == 1
        assert own.apply(wholes[statuses.index(200)]).number - first <= 3

    def test_two_trees_are_kept_at_most(self, own: Nginx, home: Settings, blog: App) -> None:
        for count in range(4):
            own.apply(Sites((blog.site(f"n{count}.localhost"),)))
        assert len(list((home.home / "nginx/trees").iterdir())) <= 2

    def test_a_reload_of_a_dead_nginx_is_refused(self, blog: App) -> None:
        with nginx_home(reload_timeout=0.2) as made, pytest.raises(UnavailableError, match="not running"):
            Nginx(made).apply(Sites((blog.site(),)))


class TestLife:
    def test_nginx_outlives_who_started_it_and_is_adopted(self, blog: App) -> None:
        with nginx_home() as made:
            program = (
                "import sys, signal; from paas.adapters.nginx import Nginx; from paas.settings import Settings\n"
                "nginx = Nginx(Settings.model_validate_json(sys.argv[1])); print(nginx.start(), flush=True)\n"
                "signal.pause()"
            )
            starter = subprocess.Popen(
                [sys.executable, "-c", program, made.model_dump_json()], stdout=subprocess.PIPE, text=True
            )
            assert starter.stdout is not None
            pid = int(starter.stdout.readline())
            starter.kill()
            starter.wait()
            starter.stdout.close()
            nginx = Nginx(made)
            assert nginx.start() == nginx.running() == pid
            assert nginx.apply(Sites((blog.site(),))).quarantined == {}

    def test_a_lost_pid_file_does_not_hide_it(self, own: Nginx, home: Settings) -> None:
        pid = own.running()
        (home.home / "nginx/nginx.pid").unlink()
        assert own.start() == pid

    def test_after_a_kill_it_starts_with_the_last_good_tree(self, own: Nginx, home: Settings, blog: App) -> None:
        applied = own.apply(Sites((blog.site(),)))
        killed = own.running()
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        assert wait_until(lambda: own.running() is None, 5)
        assert own.start() != killed
        assert fetch(home.http_port, "blog.localhost").json["app"] == "blog"
        assert own.apply(Sites((blog.site(),))) == applied

    def test_it_starts_on_another_port_when_the_settings_say_so(self, own: Nginx, home: Settings, blog: App) -> None:
        own.apply(Sites((blog.site(),)))
        own.stop()
        port = free_port()
        Nginx(home.model_copy(update={"http_port": port})).start()
        assert fetch(port, "blog.localhost").json["app"] == "blog"

    def test_it_starts_with_its_copy_of_a_certificate_that_is_gone(self, secure: Settings, tmp_path: Path) -> None:
        certificate = tmp_path / "cert.pem"
        certificate.write_bytes(secure.tls_cert.read_bytes() if secure.tls_cert else b"")
        with nginx_home(domain="example.com", tls_cert=certificate, tls_key=secure.tls_key) as made:
            nginx = Nginx(made)
            nginx.start()
            nginx.apply(Sites(()))
            nginx.stop()
            certificate.unlink()
            assert nginx.start() == nginx.running()
            with pytest.raises(UnavailableError, match="certificate cannot be used"):
                nginx.apply(Sites(()))

    def test_a_taken_port_is_named(self) -> None:
        with (
            running_app("holder") as holder,
            nginx_home(http_port=holder.port) as made,
            pytest.raises(UnavailableError, match=f"127.0.0.1:{holder.port} failed.*in use"),
        ):
            Nginx(made).start()

    def test_the_oldest_worker_is_known(self, own: Nginx) -> None:
        moment = own.oldest_worker()
        assert moment is not None
        assert abs(time.time() - moment.timestamp()) < 60

    def test_requests_end_before_it_stops(self, own: Nginx, home: Settings) -> None:
        with running_app("slow") as slow:
            own.apply(Sites((slow.site(),)))
            statuses: list[int] = []
            request = threading.Thread(
                target=lambda: statuses.append(fetch(home.http_port, "slow.localhost", "/slow").status)
            )
            request.start()
            assert wait_until(lambda: own.connections_to("127.0.0.1") > 0, 2)
            own.stop()
            request.join()
        assert statuses == [200]
        assert own.running() is None
