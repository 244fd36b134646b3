"""Is everything that exists recorded, and everything recorded there? What a crash may leave, in all places at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from paas.model import Address, App, Image, Job, Process, Release, Session, Source, select
from paas.model.job import QUEUED, RUNNING
from paas.rules import names
from tests.journeys.installation import Installation
from tests.waiting import PATIENCE, wait_until

_SERVER = re.compile(r"server (\d+\.\d+\.\d+\.\d+):\d+", re.ASCII)


def assert_nothing_is_left(on: Installation, timeout: float = PATIENCE) -> None:
    """Wait until what is recorded and what exists are the same. Old copies may drain until then."""
    found: list[str] = []

    def is_whole() -> bool:
        found[:] = leftovers(on)
        return not found

    try:
        wait_until(is_whole, timeout)
    except AssertionError:
        raise AssertionError("left behind: " + "; ".join(found)) from None


def leftovers(on: Installation) -> list[str]:
    """One line for each thing that is there without its row, or the other way round."""
    with on.database.read() as session:
        return [
            *_jobs(session),
            *_releases(session),
            *_containers(on, session),
            *_networks(on, session),
            *_addresses(on, session),
            *_sites(on, session),
            *_images(on, session),
            *_files(on, session),
        ]


def _jobs(session: Session) -> Iterator[str]:
    for job in session.scalars(select(Job).where(Job.state.in_((QUEUED, RUNNING)))):
        yield f"job {job.id} ({job.kind}) is {job.state}"


def _releases(session: Session) -> Iterator[str]:
    """Each app has the one current release that its row names, and nothing pending."""
    for app in session.scalars(select(App)):
        states = session.execute(select(Release.id, Release.status).where(Release.app_id == app.id)).all()
        current = [row.id for row in states if row.status == "current"]
        if current != ([app.current_release_id] if app.current_release_id else []):
            yield f"{app.name} has current releases {current}, its row says {app.current_release_id}"
        yield from (f"release {row.id} of {app.name} is pending" for row in states if row.status == "pending")


def _containers(on: Installation, session: Session) -> Iterator[str]:
    rows = {row.container: row.state for row in session.scalars(select(Process))}
    there = {container.name: container.state for container in on.runtime.containers()}
    yield from _differences("container", there, rows)
    yield from (f"process {name} is {state}" for name, state in rows.items() if state != "live")
    yield from (f"container {name} is {state}" for name, state in there.items() if state != "running")


def _networks(on: Installation, session: Session) -> Iterator[str]:
    """One that is gone is missed by apps that run something only; the others make it anew when they start."""
    rows = session.execute(select(App.id, App.subnet).where(App.subnet.is_not(None))).all()
    recorded = {f"{names.network_name(row.id)} {row.subnet}": row.id for row in rows}
    there = {f"{it.name} {it.subnet}" for it in on.runtime.networks()}
    running = set(session.scalars(select(Process.app_id)))
    yield from (f"network {name} without a row" for name in there - recorded.keys())
    yield from (f"network {name} is gone" for name, app in recorded.items() if name not in there and app in running)


def _addresses(on: Installation, session: Session) -> Iterator[str]:
    """One rests until no nginx worker is older than its release: the next reload ends that."""
    rows = session.scalars(select(Address)).all()
    oldest = on.oldest_nginx_worker()
    held = {row.container for row in rows if row.container}
    yield from _differences("address of", held, set(session.scalars(select(Process.container))))
    yield from (f"address {row.address} rests" for row in rows if row.released_at and row.released_at < oldest)


def _sites(on: Installation, session: Session) -> Iterator[str]:
    """nginx has a site for each deployed app, and in it the addresses of its live web copies."""
    wanted = {names.site_name(app.id): app for app in session.scalars(select(App)) if app.current_release_id}
    folder = on.home / "nginx" / "current" / "sites"
    there = {path.name: path.read_text() for path in folder.glob("app-*.conf")}
    yield from (f"site {name} without an app" for name in there if name.removesuffix(".conf")[4:] not in _ids(session))
    for name, app in wanted.items():
        live = select(Address.address).join(Process, Process.container == Address.container)
        query = live.where(Process.app_id == app.id, Process.process_type == "web", Process.state == "live")
        yield from _differences(
            f"{app.name}'s front", set(_SERVER.findall(there.get(name, ""))), session.scalars(query)
        )
    strange = {path.name for path in (on.home / "nginx" / "trees").iterdir() if path.name.startswith("staging-")}
    yield from (f"half a tree {name}" for name in strange)


def _ids(session: Session) -> set[str]:
    return set(session.scalars(select(App.id)))


def _images(on: Installation, session: Session) -> Iterator[str]:
    there = {tag for image in on.runtime.images() for tag in image.tags}
    yield from _differences("image", there, session.scalars(select(Image.tag).where(Image.removed_at.is_(None))))


def _files(on: Installation, session: Session) -> Iterator[str]:
    there = {path.name for path in (on.home / "sources").iterdir()}
    recorded = {f"{row}.tar" for row in session.scalars(select(Source.id).where(Source.removed_at.is_(None)))}
    yield from _differences("source", there, recorded)
    yield from (f"inbox holds {path.name}" for path in (on.home / "inbox" / "ssh").iterdir())
    repositories = {path.name.removesuffix(".git") for path in (on.home / "repositories").iterdir()}
    yield from (f"repository {name} without an app" for name in repositories - _ids(session))


def _differences(kind: str, there: Iterable[str], recorded: Iterable[str]) -> Iterator[str]:
    exists, known = set(there), set(recorded)
    yield from (f"{kind} {name} without a row" for name in sorted(exists - known))
    yield from (f"{kind} {name} only in the rows" for name in sorted(known - exists))
