"""What does each adapter promise? Protocols, and the frozen values that travel through them.

Only `app.py` knows which adapter stands behind a port. Each port has one contract test, which the real adapter and the
fake of the tests both pass. Adapters raise PaasError subclasses for what a person must read (UnavailableError when the
product is down) and hold no policy.
"""

from paas.ports.building import BaseImage, Builder, BuildOrder, BuiltImage, Templates
from paas.ports.common import IsCancelled, Say
from paas.ports.containers import (
    Container,
    ContainerSpec,
    ContainerState,
    EngineFacts,
    ImageFacts,
    LogLine,
    LogStream,
    NetworkSpec,
    Runtime,
    Terminal,
)
from paas.ports.line import ConsoleLine, WorkerLine
from paas.ports.logs import LogKeeper, Logs, LogWriter
from paas.ports.machine import Clock, Faults, Vault
from paas.ports.routing import Applied, Firewall, HttpAnswer, Prober, Proxy
from paas.ports.sources import CommitFacts, GitHost, GitService, Repositories, SourceFile, Sources, TreeEntry
from paas.rules.routes import Site, Sites, SiteState  # what a Proxy serves is decided by a rule

__all__ = [
    "Applied",
    "BaseImage",
    "BuildOrder",
    "Builder",
    "BuiltImage",
    "Clock",
    "CommitFacts",
    "ConsoleLine",
    "Container",
    "ContainerSpec",
    "ContainerState",
    "EngineFacts",
    "Faults",
    "Firewall",
    "GitHost",
    "GitService",
    "HttpAnswer",
    "ImageFacts",
    "IsCancelled",
    "LogKeeper",
    "LogLine",
    "LogStream",
    "LogWriter",
    "Logs",
    "NetworkSpec",
    "Prober",
    "Proxy",
    "Repositories",
    "Runtime",
    "Say",
    "Site",
    "SiteState",
    "Sites",
    "SourceFile",
    "Sources",
    "Templates",
    "Terminal",
    "TreeEntry",
    "Vault",
    "WorkerLine",
]
