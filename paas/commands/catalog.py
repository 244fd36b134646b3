"""Which commands are there? Importing this module declares them all; doors import it once."""

from paas.commands import (
    access,
    apps,
    builder,
    builds,
    checks,
    config,
    domains,
    events,
    git,
    logs,
    nginx,
    platform,
    ps,
    releases,
    run,
    ssh_keys,
    tokens,
    urls,
    users,
)
from paas.commands.declare import REGISTRY

TOPICS = (
    access, apps, builder, builds, checks, config, domains, events, git, logs, nginx,
    platform, ps, releases, run, ssh_keys, tokens, urls, users,
)  # fmt: skip

__all__ = ["REGISTRY", "TOPICS"]
