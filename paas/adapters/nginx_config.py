"""What does nginx read? Renders the templates into the files of a tree: the base, one file per site, our pages.

Every value was checked by a rule before it came here. It is checked once more on its way into a template: whatever
could end a directive or begin another is refused, so no mistake elsewhere becomes a configuration.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from cryptography import x509

from paas.errors import UnavailableError
from paas.ports import Site
from paas.rules.domains import is_covered
from paas.rules.names import site_name
from paas.settings import Settings

Files = dict[str, bytes]  # path below the tree -> content

PREFIX = "nginx"  # below home: pid file, trees, temporary files, logs
STATUS_SOCKET = "nginx-status.sock"  # below run/
WEB_SOCKET = "web.sock"
LATE_SOCKET = "temp/late.sock"  # below the prefix, where only nginx may enter

_BASE = (
    "nginx.conf",
    "listen-http.conf",
    "listen-https.conf",
    "late.conf",
    "pages.conf",
    "default.conf",
    "dashboard.conf",
)
_SAFE = re.compile(r"[A-Za-z0-9_./:*@\[\]-]*", re.ASCII)


@dataclass(frozen=True)
class Server:
    """One server block of a site. `redirects`: sends everything to https.

    `redirects_below`: wildcards of which only one label is sent there; nginx's stand for many, a certificate's for one.
    """

    scheme: str
    hosts: tuple[str, ...]
    redirects: bool = False
    redirects_below: tuple[str, ...] = ()


@dataclass(frozen=True)
class Certificate:
    """Its files, copied into the tree: the last good tree stays good when the given ones change. And its names."""

    files: Files
    names: tuple[str, ...]


def read_certificate(settings: Settings) -> Certificate:
    """The one of the settings; an empty one when none is given. Raises UnavailableError when it cannot be read."""
    if settings.tls_cert is None or settings.tls_key is None:
        return Certificate({}, ())
    try:
        files = {"tls/certificate.pem": settings.tls_cert.read_bytes(), "tls/key.pem": settings.tls_key.read_bytes()}
        leaf = x509.load_pem_x509_certificates(files["tls/certificate.pem"])[0]
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound) as error:
        hint = "look at the files that PAAS_TLS_CERT and PAAS_TLS_KEY name"
        raise UnavailableError(f"The certificate cannot be used: {error}", hint) from None
    return Certificate(files, tuple(names.get_values_for_type(x509.DNSName)))


class NginxConfig:
    """Settings and sites in, files out."""

    def __init__(self, settings: Settings, templates: Path) -> None:
        self._settings = settings
        self._templates = templates
        loader = jinja2.FileSystemLoader(templates)
        self._directives = jinja2.Environment(  # noqa: S701 - not HTML: _refuse_unsafe looks at every value
            loader=loader,
            undefined=jinja2.StrictUndefined,
            finalize=_refuse_unsafe,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._pages = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, autoescape=True)

    def base(self, certificate: Certificate, dashboard_hosts: tuple[str, ...]) -> Files:
        """All that is no site."""
        facts = self._facts(dashboard_hosts, certificate.names)
        files = {name: self._render(f"{name}.j2", **facts) for name in _BASE}
        files["mime.types"] = (self._templates / "mime.types").read_bytes()
        for page in sorted((self._templates / "pages").glob("[!_]*.html.j2")):
            files[f"pages/{page.stem}"] = self._pages.get_template(f"pages/{page.name}").render().encode()
        return files | certificate.files

    def site(self, certificate: Certificate, site: Site, page: str = "") -> bytes:
        """One app's file, or one that shows a page of ours. Raises ValueError when a value or the template is unfit."""
        try:
            return self._render(
                "site.conf.j2",
                app_id=site.app_id,
                app_name=site.app_name,
                backends=site.backends,
                hosts=site.hosts,
                late_socket=self._settings.folder(PREFIX, LATE_SOCKET),
                page=page or _page_of(site),
                servers=_servers(site, certificate),
                upload_limit=site.upload_limit,
                https_suffix=self._https_suffix(),
            )
        except jinja2.TemplateError as error:
            raise ValueError(f"site.conf.j2: {error}") from error

    def _facts(self, dashboard_hosts: tuple[str, ...], certificate_names: tuple[str, ...]) -> dict[str, Any]:
        settings = self._settings
        hosts = tuple(dict.fromkeys((settings.dashboard_host, *dashboard_hosts)))
        is_secure = is_covered(settings.dashboard_host, certificate_names)
        open_files = min(65536, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        return {
            "user": settings.nginx_user,
            "group": worker_group(settings.nginx_user).gr_name,
            "workers": min(os.cpu_count() or 1, 8),
            "open_files": open_files,
            "connections": min(8192, open_files // 2),
            "prefix": settings.folder(PREFIX),
            "status_socket": settings.folder("run", STATUS_SOCKET),
            "late_socket": settings.folder(PREFIX, LATE_SOCKET),
            "web_socket": settings.folder("run", WEB_SOCKET),
            "http_listens": _listens(settings.bind, settings.http_port),
            "https_listens": _listens(settings.bind, settings.https_port),
            "has_certificate": bool(certificate_names),
            "dashboard_hosts": hosts,
            "answers_by_address": settings.domain == "localhost",
            "schemes": ("http", "https") if is_secure else ("http",),
            "redirects": is_secure,
            "https_suffix": self._https_suffix(),
            "upload_limit": settings.push_limit,
        }

    def _https_suffix(self) -> str:
        return "" if self._settings.https_port == 443 else f":{self._settings.https_port}"

    def _render(self, template: str, **values: object) -> bytes:
        return self._directives.get_template(template).render(**values).encode()


def worker_group(user: str) -> grp.struct_group:
    """The primary group of nginx's workers. Raises UnavailableError when there is no such user."""
    try:
        return grp.getgrgid(pwd.getpwnam(user).pw_gid)
    except KeyError:
        raise UnavailableError(f"nginx's user {user} does not exist", "set PAAS_NGINX_USER") from None


def _listens(bind: str, port: int) -> tuple[str, ...]:
    """`::` stands for every address of both families, with a socket for each: IPv4 clients keep their plain names."""
    if bind == "::":
        return (f"0.0.0.0:{port}", f"[::]:{port}")
    return (f"[{bind}]:{port}" if ":" in bind else f"{bind}:{port}",)


def site_file(site: Site) -> str:
    """Its path below the tree."""
    return f"sites/{site_name(site.app_id)}"


def number_file(number: int) -> Files:
    """What the status socket answers: the number of the tree."""
    return {"number.conf": f"location / {{\n    return 200 {number};\n}}\n".encode()}


def _servers(site: Site, certificate: Certificate) -> tuple[Server, ...]:
    """Hosts that the certificate vouches for are served on https, all others on http."""
    covered = tuple(host for host in site.hosts if is_covered(host, certificate.names))
    plain = tuple(host for host in site.hosts if host not in covered)
    wide = tuple(host for host in covered if host.startswith("*."))
    exact = tuple(host for host in covered if host not in wide)
    servers = (
        Server("http", plain),
        Server("http", exact, redirects=True),
        Server("http", wide, redirects_below=wide),
        Server("https", covered),
    )
    return tuple(server for server in servers if server.hosts)


def _page_of(site: Site) -> str:
    """Which page answers in the app's place; none when there is something to speak to."""
    if site.state == "live":
        return "" if site.backends else "unhealthy"
    return site.state


def _refuse_unsafe(value: object) -> object:
    """Called by Jinja with each value that is about to be written."""
    if not _SAFE.fullmatch(str(value)):
        raise ValueError(f"{str(value)[:80]!a} does not belong into a configuration of nginx")
    return value
