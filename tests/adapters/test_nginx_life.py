from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from paas.adapters.nginx import Nginx
from paas.adapters.nginx_process import wait_until
from paas.errors import UnavailableError
from paas.ports import Sites
from paas.settings import Settings
from tests.adapters.nginx_world import App, changed_templates, fetch, free_port, nginx_home, running_app
from tests.waiting import PATIENCE

SITE_TEMPLATE_THAT_BREAKS = '{% if app_name == "broken" %}nonsense{{ upload_limit }};{% endif %}\n'


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
                assert wait_until(lambda old=old: own.connections_to(old.address) == 0, PATIENCE)  # type: ignore[misc]
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
            assert wait_until(lambda: own.connections_to("127.0.0.4") == 1, PATIENCE)
            slow.go_on.set()
            request.join()
            assert wait_until(lambda: own.connections_to("127.0.0.4") == 0, PATIENCE)

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
        assert wait_until(lambda: own.running() is None, PATIENCE)
        assert own.start() != killed
        assert fetch(home.http_port, "blog.localhost").json["app"] == "blog"
        assert own.apply(Sites((blog.site(),))) == applied

    def test_what_a_hand_or_a_power_cut_broke_of_its_tree_does_not_keep_it_down(
        self, own: Nginx, home: Settings, blog: App
    ) -> None:
        with running_app("shop") as shop:
            sites = Sites((blog.site(), shop.site()))
            own.apply(sites)
            folder = home.home / "nginx/current/sites"
            (folder / "zz.conf").write_text("server { broken")
            (folder / f"app-{blog.site().app_id}.conf").write_text("")
            killed = own.running()
            assert killed is not None
            os.kill(killed, signal.SIGKILL)
            assert wait_until(lambda: own.running() is None, PATIENCE)
            own.start()
            assert fetch(home.http_port, "shop.localhost").json["app"] == "shop"
            assert own.apply(sites).quarantined == {}
            assert fetch(home.http_port, "blog.localhost").json["app"] == "blog"

    def test_the_next_pass_undoes_what_was_done_to_its_tree_by_hand(
        self, own: Nginx, home: Settings, blog: App
    ) -> None:
        sites = Sites((blog.site(),))
        applied = own.apply(sites)
        (home.home / "nginx/current/sites/zz.conf").write_text("server { broken")
        assert own.apply(sites).number == applied.number + 1
        assert not (home.home / "nginx/current/sites/zz.conf").exists()
        assert own.apply(sites).number == applied.number + 1
        assert fetch(home.http_port, "blog.localhost").json["app"] == "blog"

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
            assert wait_until(lambda: own.connections_to("127.0.0.1") > 0, PATIENCE)
            threading.Timer(0.5, slow.go_on.set).start()
            own.stop()
            request.join()
        assert statuses == [200]
        assert own.running() is None
