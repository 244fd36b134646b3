"""Which sites may be served when nginx refuses the whole? Broken ones are replaced, their neighbours stay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from paas.adapters.nginx_config import Files
from paas.errors import UnavailableError

Check = Callable[[Files], str]  # what nginx says against these files; empty when nothing
Substitutes = Callable[[str], Iterable[bytes]]  # name of a site's file -> what may stand in its place, best first


@dataclass(frozen=True)
class Wanted:
    """base: all that is no site. sites: their files. refused: files that could not even be made, and why."""

    base: Files
    sites: Files
    refused: Mapping[str, str]


@dataclass(frozen=True)
class Sifted:
    """Files that nginx accepts, and what was said of the sites that it does not."""

    files: Files
    quarantined: Mapping[str, str]


def sift(wanted: Wanted, good: Callable[[], Files], substitutes: Substitutes, check: Check) -> Sifted:
    """As many sites as nginx accepts; `good` gives those in place. Raises UnavailableError when the base is refused."""
    broken = dict(wanted.refused)
    if check(wanted.base | wanted.sites):
        broken |= _find_broken(wanted, good(), check)
    files = wanted.base | {name: content for name, content in wanted.sites.items() if name not in broken}
    for name in broken:
        files |= _substitute(name, files, substitutes, check)
    return Sifted(files, broken)


def _find_broken(wanted: Wanted, good: Files, check: Check) -> dict[str, str]:
    """1. Each site that changed is tested alone. 2. If the rest is refused together, they are added one by one."""
    if reason := check(wanted.base):
        raise UnavailableError(f"nginx refuses its base configuration: {reason}", "paas doctor")
    changed = {name: content for name, content in wanted.sites.items() if good.get(name) != content}
    broken = {name: reason for name, content in changed.items() if (reason := check(wanted.base | {name: content}))}
    kept = wanted.base | {name: content for name, content in wanted.sites.items() if name not in broken}
    if not check(kept):
        return broken
    kept = {name: content for name, content in kept.items() if name not in changed}
    for name in changed.keys() - broken.keys():
        if reason := check(kept | {name: changed[name]}):
            broken[name] = reason
        else:
            kept[name] = changed[name]
    if reason := check(kept):
        raise UnavailableError(f"nginx refuses the sites: {reason}", "paas doctor")
    return broken


def _substitute(name: str, files: Files, substitutes: Substitutes, check: Check) -> Files:
    """The first one that nginx accepts; nothing when it accepts none."""
    return next(({name: content} for content in substitutes(name) if not check(files | {name: content})), {})
