"""How do counts change? New copies of the current release join, or the last ones go; the others are left alone."""

from __future__ import annotations

from collections.abc import Mapping

from paas.context import WorkerPlatform
from paas.flows.findings import current_release_of, find_app, order_of, wanted_formation
from paas.flows.restart import choose_types
from paas.flows.rollout import Wish
from paas.flows.route import apply_sites
from paas.flows.say import JobLog
from paas.flows.swap import swap
from paas.flows.work import Work
from paas.model import Formation, Session
from paas.rules.formation import WEB, check_copies
from paas.rules.jobs import Scale


def scale(on: WorkerPlatform, work: Work, say: JobLog) -> None:
    counts = order_of(work, Scale).counts
    with on.database.read() as session:
        app = find_app(session, work)
    release = current_release_of(on, work) if app.current_release_id is not None else None
    if release is not None:  # what was asked before this may have changed the other counts since
        check_copies({**wanted_formation(on, release), **counts})
    if release is None or app.is_stopped:
        with on.database.write() as session:
            store_counts(session, app.id, counts)
        say.header("Remembered: it counts from the next start")
        return
    choose_types(release, tuple(counts))
    formation = {**wanted_formation(on, release), **counts}
    say.header(f"Scaling to {', '.join(f'{kind}={count}' for kind, count in counts.items())}")
    rollout = swap(
        on, work, Wish(release, formation, lambda copy: False), say,
        lambda session, app: store_counts(session, app.id, counts),
    )  # fmt: skip
    if counts.get(WEB) == 0:
        apply_sites(on)  # only now it is recorded that none is wanted, and the site may say so
    for verb, copies in (("Started", rollout.start), ("Retiring", rollout.retire)):
        if copies:
            say.header(f"{verb} {', '.join(copy.name for copy in copies)}")


def store_counts(session: Session, app_id: str, counts: Mapping[str, int]) -> None:
    for process_type, quantity in counts.items():
        session.merge(Formation(app_id=app_id, process_type=process_type, quantity=quantity))
