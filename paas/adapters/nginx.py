"""How do requests reach the apps? The port `Proxy`: a master of nginx that is ours alone.

`home/nginx` is its prefix: `nginx.pid`, `current` (a link to the tree in place), `trees/`, `temp/`, `logs/`. Nothing of
/etc/nginx is read. The master outlives whoever started it and is adopted by whoever comes next.
"""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from paas.adapters.nginx_config import (
    PREFIX,
    STATUS_SOCKET,
    Certificate,
    Files,
    NginxConfig,
    number_file,
    read_certificate,
    site_file,
    worker_group,
)
from paas.adapters.nginx_logs import rotate
from paas.adapters.nginx_process import NginxProcess, count_connections, wait_until
from paas.adapters.nginx_quarantine import Wanted, sift
from paas.adapters.nginx_tree import Tree, Trees, digest_of, make_folder
from paas.errors import UnavailableError
from paas.ports import Applied, Sites
from paas.settings import Settings

TEMPLATES = Path(__file__).parents[2] / "nginx-templates"
PATIENCE = 10.0  # what requests get to end in when nginx is stopped (s)


class Nginx:
    """The port `Proxy`. One object may be used by many threads, and many processes may have one."""

    def __init__(self, settings: Settings, templates: Path = TEMPLATES) -> None:
        self._settings = settings
        self._prefix = settings.folder(PREFIX)
        self._config = NginxConfig(settings, templates)
        self._trees = Trees(self._prefix)
        self._process = NginxProcess(self._prefix, settings.folder("run", STATUS_SOCKET))
        self._latest = Sites(())
        self._asked = 0  # calls of apply so far
        self._done = 0  # calls that the last reload answers
        self._applied = Applied(0)
        self._offer = threading.Lock()
        self._turn = threading.Lock()

    def apply(self, sites: Sites) -> Applied:
        """See ports.Proxy. Of callers that wait together the latest is served, and its whole answers them all."""
        with self._offer:
            self._latest = sites
            self._asked += 1
            mine = self._asked
        with self._turn:
            if self._done < mine:
                with self._offer:
                    sites, latest = self._latest, self._asked
                if not wait_until(lambda: self._process.answer() is not None, self._settings.reload_timeout, 0.05):
                    raise UnavailableError("nginx is not running", "paas status")
                with self._alone():
                    self._applied = self._apply(sites)
                self._done = latest
            return self._applied

    def start(self) -> int:
        """See ports.Proxy. The base follows the settings (ports, certificate), the sites are the last tree's."""
        with self._alone():
            running = self._process.master()
            if running and wait_until(lambda: self._process.answer() is not None, 2):
                return running
            if running:
                self._process.end(patience=0)
            self._process.retire_orphans(self._settings.reload_timeout)
            tree = self._tree_to_start_with()
            self._process.launch(self._settings.reload_timeout)
            tree.confirm()
            self._trees.prune()
            return self._process.master() or 0

    def stop(self) -> None:
        with self._alone():
            self._process.end(PATIENCE)

    def running(self) -> int | None:
        return self._process.master()

    def connections_to(self, address: str) -> int:
        return count_connections(address)

    def rotate_logs(self) -> bool:
        is_put_aside = rotate(self._prefix / "logs", self._settings)
        if is_put_aside:
            self._process.reopen_logs()
        return is_put_aside

    def oldest_worker(self) -> datetime | None:
        moments = [moment for pid in self._process.workers() if (moment := self._process.started_at(pid))]
        return min(moments, default=None)

    # --- Applying -----------------------------------------------------------------------------------------------------
    def _apply(self, sites: Sites) -> Applied:
        certificate = read_certificate(self._settings)
        wanted = self._render(certificate, sites)
        digest = digest_of(wanted.base | wanted.sites, wanted.refused)
        current = self._trees.current()
        if current and current.digest == digest and current.is_intact and self._is_served(current):
            return Applied(current.number, current.quarantined)
        by_file = {site_file(site): site for site in sites.sites}

        def good() -> Files:
            return current.intact_files("sites") if current else {}

        def substitutes(name: str) -> Iterator[bytes]:
            if name in good():
                yield good()[name]
            with suppress(ValueError):  # what its template or its hosts make impossible is left out
                yield self._config.site(certificate, by_file[name], page="quarantined")

        number = self._trees.next_number()
        numbered = replace(wanted, base=wanted.base | number_file(number))
        sifted = sift(numbered, good, substitutes, self._check)
        quarantined = {by_file[name].app_id: said for name, said in sifted.quarantined.items()}
        return self._reload(self._trees.move_in(sifted.files, number, digest, quarantined))

    def _is_served(self, tree: Tree) -> bool:
        return tree.is_confirmed and self._process.answer() == tree.number

    def _render(self, certificate: Certificate, sites: Sites) -> Wanted:
        rendered: Files = {}
        refused: dict[str, str] = {}
        for site in sites.sites:
            try:
                rendered[site_file(site)] = self._config.site(certificate, site)
            except ValueError as error:
                refused[site_file(site)] = str(error)
        return Wanted(self._config.base(certificate, sites.dashboard_hosts), rendered, refused)

    def _check(self, files: Files) -> str:
        return self._process.check(self._trees.stage(files))

    def _reload(self, tree: Tree) -> Applied:
        """Have nginx read the tree in place; put the last good one back when it does not."""
        try:
            self._process.reload(tree.number, self._settings.reload_timeout)
        except UnavailableError:
            if last_good := self._trees.last_good():
                self._trees.point_to(last_good)
                with suppress(UnavailableError):  # the first error tells more
                    self._process.reload(last_good.number, self._settings.reload_timeout)
            raise
        tree.confirm()
        self._trees.prune()
        return Applied(tree.number, tree.quarantined)

    # --- Starting -----------------------------------------------------------------------------------------------------
    def _tree_to_start_with(self) -> Tree:
        """What is intact of the last good tree, on today's base; that tree as it is when this cannot be had."""
        last = self._trees.last_good()
        if last is None:
            return self._tree_on_todays_base({}, {})
        kept = last.intact_files("sites", "dashboard.conf")
        self._trees.point_to(last)
        with suppress(UnavailableError):  # the certificate is gone, say; whoever applies next is told
            return self._tree_on_todays_base(kept, last.quarantined)
        return last

    def _tree_on_todays_base(self, kept: Files, quarantined: Mapping[str, str]) -> Tree:
        """The tree in place when it is just that, else a new one. Raises UnavailableError when nginx refuses it."""
        files = self._config.base(read_certificate(self._settings), ()) | kept
        digest = digest_of(files, {})
        current = self._trees.current()
        if current and current.digest == digest and current.is_intact:
            return current
        number = self._trees.next_number()
        files |= number_file(number)
        if said := self._check(files):
            raise UnavailableError(f"nginx refuses its base configuration: {said}", "paas doctor")
        return self._trees.move_in(files, number, digest, quarantined)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One thread of one process at a time changes what nginx reads and does."""
        make_folder(self._prefix)
        make_folder(self._prefix / "trees")
        for folder in ("temp", "logs"):
            make_folder(self._prefix / folder, worker_group(self._settings.nginx_user).gr_gid)
        with (self._prefix / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
