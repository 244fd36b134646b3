"""Which network and which addresses do an app's containers get? Rows first, then Docker.

A subnet is chosen against our rows and the host's routes each time, and the next is tried when Docker says that it
overlaps. Addresses are rows: kept while a container is stopped, and reused only when no nginx worker knows them.
"""

from __future__ import annotations

from ipaddress import IPv4Network

from paas.context import WorkerPlatform
from paas.errors import ConflictError
from paas.flows.step import step
from paas.flows.work import Work
from paas.model import Address, App, RestingSubnet, Session, delete, select, update
from paas.ports import NetworkSpec
from paas.rules import names
from paas.rules.placement import choose_address, choose_subnet, is_within


@step("network")
def prepare_network(on: WorkerPlatform, work: Work) -> None:
    ensure_network(on, str(work.job.app_id))


def ensure_network(on: WorkerPlatform, app_id: str) -> str:
    """Have the app's network; its name. The first use of an app makes it, and lets the firewall know."""
    refused: set[IPv4Network] = set()
    name = names.network_name(app_id)
    while True:
        subnet, is_new = _subnet_of(on, app_id, refused)
        if is_new:
            ensure_firewall(on)
        try:
            on.runtime.create_network(NetworkSpec(name, app_id, subnet))
            return name
        except ConflictError as error:
            if error.code != "subnet-taken":
                raise
            refused.add(subnet)


def ensure_firewall(on: WorkerPlatform) -> None:
    with on.database.read() as session:
        rows = session.scalars(select(App.id).where(App.subnet.is_not(None)).order_by(App.id)).all()
    ids = [app_id for app_id in rows if names.is_app_id(app_id)]
    settings = on.settings
    ports = (settings.http_port, settings.https_port, settings.ssh_port)
    on.firewall.ensure([names.network_name(app_id) for app_id in ids], ports)


def _subnet_of(on: WorkerPlatform, app_id: str, refused: set[IPv4Network]) -> tuple[IPv4Network, bool]:
    """(subnet, whether it was chosen just now)."""
    with on.database.read() as session:
        recorded = session.scalar(select(App.subnet).where(App.id == app_id))
    if recorded and not is_within(recorded, on.settings.network_pool):
        # From before the pool was changed, or a broken door's, which wants the host's traffic: no firewall knows it.
        raise ConflictError(
            f"The app's subnet {recorded[:40]} is not of the pool {on.settings.network_pool}",
            "an administrator sets PAAS_NETWORK_POOL back",
            code="subnet-strange",
        )
    if recorded and IPv4Network(recorded) not in refused:
        return IPv4Network(recorded), False
    host = on.runtime.host_networks()
    with on.database.write() as session:
        rows = session.scalars(select(App.subnet).where(App.subnet.is_not(None))).all()
        resting = session.scalars(select(RestingSubnet.subnet)).all()
        ours = [IPv4Network(text) for text in (*rows, *resting) if text and is_within(text, on.settings.network_pool)]
        taken = [*ours, *host, *refused]
        subnet = choose_subnet(on.settings.network_pool, taken)
        session.execute(update(App).where(App.id == app_id).values(subnet=str(subnet)))
    return subnet, True


def take_address(session: Session, app: App, container: str) -> str:
    """Give a new copy an address, in the transaction that writes its row."""
    if app.subnet is None:
        raise RuntimeError(f"app {app.id} has no network yet")
    session.flush()
    unavailable = set(session.scalars(select(Address.address).where(Address.app_id == app.id)))
    address = choose_address(IPv4Network(app.subnet), unavailable)
    session.add(Address(address=address, app_id=app.id, container=container, released_at=None))
    return address


def release_addresses(on: WorkerPlatform, session: Session, containers: list[str]) -> None:
    """Let the addresses of removed containers rest."""
    session.execute(
        update(Address).where(Address.container.in_(containers)).values(container=None, released_at=on.clock.now())
    )


def end_rests(on: WorkerPlatform) -> None:
    """Free addresses and subnets that no nginx worker can know any more: all of them are younger than the release."""
    oldest = on.proxy.oldest_worker() or on.clock.now()
    with on.database.write() as session:
        session.execute(delete(Address).where(Address.container.is_(None), Address.released_at < oldest))
        session.execute(delete(RestingSubnet).where(RestingSubnet.released_at < oldest))
