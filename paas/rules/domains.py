"""Which host names may an app have? The grammar of host names, whose they are, and which are the platform's own.

`base_domains` are all domains below which apps have default hosts, the primary one first; the domain of the settings is
always among them, because the dashboard answers there. Uniqueness over all apps is asked of the database and said here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from paas.errors import BadInputError, ConflictError, ForbiddenError

LONGEST_DOMAIN = 253  # RFC 1035, written without the root's dot
RESERVED_LABELS = ("paas", "demo")  # below every base domain: the dashboard, and the demos

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


def parse_domain(name: str) -> str:
    """The host name in lower case; a leading `*.` stands for everything below.

    RFC 1123 labels (no underscores), no port, no address, no trailing dot; international names in their xn-- form.
    Raises BadInputError (code `domain`).
    """
    domain = name.lower() if name.isascii() else name
    labels = domain.removeprefix("*.").split(".")
    if len(domain) > LONGEST_DOMAIN:
        raise BadInputError(f"A domain has at most {LONGEST_DOMAIN} characters, not {len(domain)}", code="domain")
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise BadInputError(f"{name[:80]!a} is not a host name", _hint(name), code="domain")
    if labels[-1].isdigit():
        raise BadInputError(f"{domain} is an address, not a name", "use a name such as www.example.com", code="domain")
    return domain


def check_domain(name: str, app_name: str, base_domains: Collection[str], *, is_admin: bool) -> str:
    """The host name in lower case, if `app_name` may have it by its form and place.

    Below a base domain an app gets its own APP.DOMAIN and what is under it; the rest, and a wildcard that would match
    a base domain, is an admin's to give. Reserved names are nobody's. Raises BadInputError (code `domain`) or
    ForbiddenError (code `domain-reserved`, `domain-not-yours`).
    """
    domain = parse_domain(name)
    bare = domain.removeprefix("*.")
    if domain == bare and "." not in bare:
        raise BadInputError(f"{domain} has no dot", "name a whole host: www.example.com", code="domain")
    for base in base_domains:
        if any(_is_at_or_below(bare, f"{label}.{base}") for label in RESERVED_LABELS):
            raise ForbiddenError(f"{domain} is reserved by the platform", "choose another name", code="domain-reserved")
    if is_admin:
        return domain
    if any(_is_at_or_below(bare, host) for host in default_hosts(app_name, base_domains)):
        return domain
    for base in base_domains:
        if _is_at_or_below(bare, base):
            raise ForbiddenError(
                f"{domain} is not {app_name}'s to take",
                f"below {base} it gets {app_name}.{base} and names under it; an admin may give others",
                code="domain-not-yours",
            )
    if domain != bare and ("." not in bare or any(_is_at_or_below(base, bare) for base in base_domains)):
        hint = "name the hosts one by one, or ask an admin"
        raise ForbiddenError(f"{domain} is too wide", hint, code="domain-not-yours")
    return domain


def check_unclaimed(domain: str, claimed: Collection[str]) -> str:
    """`domain`, unless it is among the hosts of other apps (their default hosts included).

    Only the very same name is a clash: an exact name is always served before a wildcard, a longer wildcard before a
    shorter one. Raises ConflictError (code `domain-taken`); it names no app, which may not be the reader's business.
    """
    if domain in claimed:
        hint = "domains:report shows the domains of your apps"
        raise ConflictError(f"{domain} is in use by another app", hint, code="domain-taken")
    return domain


def check_base_domain(name: str) -> str:
    """The domain in lower case, if apps may have their default hosts below it. Raises BadInputError (code `domain`)."""
    domain = parse_domain(name)
    if domain.startswith("*."):
        hint = f"use {domain[2:]}: every app gets a name below it"
        raise BadInputError(f"{domain} is a wildcard", hint, code="domain")
    return domain


def default_hosts(app_name: str, base_domains: Iterable[str]) -> tuple[str, ...]:
    """APP.DOMAIN for each base domain, the primary one first."""
    return tuple(dict.fromkeys(f"{app_name}.{base}" for base in base_domains))


def dashboard_hosts(base_domains: Iterable[str]) -> tuple[str, ...]:
    """paas.DOMAIN for each base domain, the primary one first."""
    return default_hosts("paas", base_domains)


def is_covered(host: str, certificate_names: Iterable[str]) -> bool:
    """Does a certificate with these names vouch for `host`? A wildcard stands for exactly one label (RFC 6125)."""
    names = {name.lower() for name in certificate_names}
    return host in names or f"*.{host.partition('.')[2]}" in names


def _is_at_or_below(domain: str, parent: str) -> bool:
    return domain == parent or domain.endswith(f".{parent}")


def _hint(name: str) -> str:
    if not name.isascii():
        try:
            return f"international names are written as {name.encode('idna').decode()}"
        except UnicodeError:
            pass
    if name.endswith("."):
        return "leave out the dot at the end"
    if "_" in name:
        return "host names have no underscores"
    if "*" in name:
        return "a wildcard is the whole first label: *.example.com"
    return "use a name such as www.example.com: letters, digits, hyphens and dots; no scheme, port or path"
