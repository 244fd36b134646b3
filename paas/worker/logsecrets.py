"""What must not stand in a container's log? The values of the variables that its release carries."""

from __future__ import annotations

from collections.abc import Callable

from paas.model import Database, Release, select
from paas.ports import Container, Vault
from paas.rules.config import read_snapshot


def secrets_of(database: Database, vault: Vault) -> Callable[[Container], list[str]]:
    """For `ContainerLogs`; a release that is gone has none."""

    def values(container: Container) -> list[str]:
        with database.read() as session:
            release = session.scalar(
                select(Release).where(Release.app_id == container.app_id, Release.version == container.release)
            )
        config = read_snapshot(vault.open(release.sealed_config)) if release else {}
        return [variable.value.reveal() for variable in config.values()]

    return values
