"""How does a source become an image? BuildKit, through the docker command line (the Docker SDK has no BuildKit).

One build: 1. look at disk and Dockerfile, refuse what may not be; 2. limit the builds' memory; 3. stream the context to
the client and its output to the log; 4. read the image's id, or say why there is none.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import IO, Literal

from paas.adapters.bases import BaseImages
from paas.adapters.buildkit_client import Client, build_command, find_client
from paas.adapters.buildkit_context import BuildContext
from paas.adapters.buildkit_process import BuildProcess
from paas.adapters.certificates import read_bundle
from paas.adapters.cgroup import StepLimits, limit_builds
from paas.adapters.docker_engine import Engine
from paas.adapters.tarfiles import TarSource
from paas.errors import BuildError, PaasError, UnavailableError
from paas.ports import BaseImage, BuildOrder, BuiltImage, IsCancelled, Say
from paas.rules import dockerfile_limits as limits
from paas.rules.buildfailure import DISK_FULL, OWN_WORD, explain_failure
from paas.rules.buildlog import BuildLog
from paas.rules.dockerfile import read_dockerfile
from paas.rules.dockerfile_rewrite import Rewritten, rewrite, syntax_notice, with_original_lines
from paas.rules.secret import Redactor
from paas.settings import Settings

_FACTS_KEPT = 300.0  # s; an engine that was upgraded is asked again


@dataclass(frozen=True)
class _Facts:
    client: Client
    engine_version: str
    is_systemd: bool
    root: Path
    asked_at: float = field(default_factory=time.monotonic)


class BuildKit:
    """`ports.Builder`. Many builds may run at once, in threads of one worker."""

    def __init__(self, settings: Settings, engine: Engine, recipes: Path) -> None:
        self._settings = settings
        self._engine = engine
        self._lock = Lock()
        self._known: _Facts | None = None
        self._bases = BaseImages(settings, engine, recipes, self.build)

    def facts(self) -> Mapping[str, str]:
        known = self._facts()
        return {
            "cli": known.client.path,
            "version": known.client.version,
            "frontend": known.client.frontend,
            "engine": known.engine_version,
        }

    def base_origin(self) -> Literal["registry", "debian"]:
        return self._bases.origin()

    def base(self, name: str, say: Say) -> BaseImage:
        return self._bases.find(name, say)

    def build(
        self, order: BuildOrder, say: Say, is_cancelled: IsCancelled, started: Callable[[int], None]
    ) -> BuiltImage:
        known = self._facts()
        self._check_disk(known.root)
        say = _redacting(order, say)
        with TarSource(order.source, self._settings.source_limit) as source, self._workspace() as folder:
            context = BuildContext(source, order)
            certificates = self._certificates(folder)
            rewritten = _rewrite(context, order, known.engine_version, bool(certificates), say)
            image_id_file = folder / "image-id"
            words, environment = build_command(
                known.client,
                order,
                self._settings,
                dockerfile=context.dockerfile,
                image_id_file=image_id_file,
                certificates=certificates,
            )
            if known.is_systemd:
                is_cancelled = _limiting(StepLimits(self._settings.build_memory), is_cancelled)
            elif not limit_builds(self._settings.build_memory):
                say("The memory and processes of builds cannot be limited on this server")

            def feed(target: IO[bytes]) -> None:
                context.write(target, rewritten.text)

            self._run(BuildProcess(words, environment, feed), order, rewritten, say, is_cancelled, started)
            return BuiltImage(image_id_file.read_text().strip(), order.tag)

    def prune(self, keep_bytes: int) -> int:
        # Engine 28 and later (API 1.48) call it reserved-space, which the SDK does not know; each ignores the other's.
        params: dict[str, str | int] = {"all": 1, "keep-storage": keep_bytes, "reserved-space": keep_bytes}
        with self._engine.talking(), self._engine.open_stream("POST", "/build/prune", params=params) as answer:
            return int(answer.json().get("SpaceReclaimed") or 0)

    def _run(
        self,
        process: BuildProcess,
        order: BuildOrder,
        rewritten: Rewritten,
        say: Say,
        is_cancelled: IsCancelled,
        started: Callable[[int], None],
    ) -> None:
        log = BuildLog()
        try:
            started(process.pid)
            self._watch(process, log, say, is_cancelled)
            code = process.wait()
        except BaseException:
            process.stop()
            raise
        if isinstance(process.feed_error, PaasError):
            raise process.feed_error
        if process.feed_error is not None:
            raise RuntimeError("the build context could not be made") from process.feed_error
        if code != 0:
            raise _failure(log, order, rewritten)

    def _watch(self, process: BuildProcess, log: BuildLog, say: Say, is_cancelled: IsCancelled) -> None:
        said, limit = 0, self._settings.build_log_limit
        root = self._facts().root
        for raw in process.lines(self._settings.build_timeout, is_cancelled):
            if raw is None:
                self._check_disk(root)  # the reserve is for the apps that run: no build may eat it up
            for line in log.flush() if raw is None else log.feed(raw):
                said += len(line) + 1
                if said <= limit:
                    say(line)
                elif said - len(line) - 1 <= limit:
                    say(f"The rest of the build's output is left out: it is longer than {limit:,} bytes")
            if log.remote_add:
                raise limits.remote_add_refusal("a URL by the base image", 1, "FROM")

    def _facts(self) -> _Facts:
        """Found by probing. The engine is asked again after some minutes, the client was found for good."""
        with self._lock:
            if self._known is None or time.monotonic() - self._known.asked_at > _FACTS_KEPT:
                self._settings.folder("docker").mkdir(mode=0o700, parents=True, exist_ok=True)
                _sweep(self._settings.folder("docker"))
                with self._engine.talking():
                    info = self._engine.client.info()
                self._known = _Facts(
                    self._known.client if self._known else find_client(self._settings),
                    str(info["ServerVersion"]),
                    info.get("CgroupDriver") == "systemd",
                    Path(info.get("DockerRootDir") or "/var/lib/docker"),
                )
            return self._known

    def _check_disk(self, root: Path) -> None:
        reserve = self._settings.disk_reserve
        free = shutil.disk_usage(root if root.exists() else "/").free
        if free < reserve:
            raise BuildError(
                f"The server's disk is full: {free:,} bytes are free, {reserve:,} are kept back",
                "an administrator can free space: doctor shows what is used",
                code=DISK_FULL,
            )

    def _certificates(self, folder: Path) -> Path | None:
        bundle = read_bundle(self._settings.build_ca_certificates)
        if not bundle:
            return None
        path = folder / "ca.pem"
        path.write_text(bundle)
        return path

    @contextlib.contextmanager
    def _workspace(self) -> Iterator[Path]:
        parent = self._settings.folder("docker")
        try:
            made = tempfile.TemporaryDirectory(dir=parent, prefix=f"build-{os.getpid()}-")
        except OSError as error:
            raise UnavailableError(f"{parent} cannot be written: {error.strerror}", "paas doctor") from error
        with made as folder:
            yield Path(folder)


def _limiting(steps: StepLimits, is_cancelled: IsCancelled) -> IsCancelled:
    """Whoever asks whether the build is cancelled looks after its memory: that happens all the time."""

    def ask() -> bool:
        steps.apply()
        return is_cancelled()

    return ask


def _sweep(parent: Path) -> None:
    """Remove the folders of builders that were killed."""
    for left in parent.glob("build-*-*"):
        if not Path("/proc", left.name.split("-")[1]).exists():
            shutil.rmtree(left, ignore_errors=True)


def _rewrite(context: BuildContext, order: BuildOrder, engine: str, has_certificates: bool, say: Say) -> Rewritten:
    name, version = context.dockerfile, limits.Engine(engine)
    read = read_dockerfile(context.read_dockerfile(), name)
    notice = syntax_notice(read, name)
    limits.check_dockerfile(read, version, order.arguments, name)
    read, dropped = limits.without_unknown_flags(read, version)
    for line in [notice, *(f"{name} {what}" for what in dropped)]:
        if line:
            say(line)
    return rewrite(read, with_certificates=has_certificates)


def _failure(log: BuildLog, order: BuildOrder, rewritten: Rewritten) -> BuildError:
    redact = Redactor(secret.reveal() for secret in order.secrets.values())
    failure = explain_failure(log.failed_step, log.failure, with_original_lines(log.error, rewritten), log.output)
    tail = tuple(redact(line) for line in log.tail if line != f"{OWN_WORD}{failure.message}")
    return BuildError(redact(failure.message), failure.hint, code=failure.code, tail=tail)


def _redacting(order: BuildOrder, say: Say) -> Say:
    """A build secret that a step prints is stars in the log."""
    redact = Redactor(secret.reveal() for secret in order.secrets.values())
    return lambda line: say(redact(line))
