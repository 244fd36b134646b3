"""How is a container of an app described to the engine? Its words, its environment, its limits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypedDict

from paas.context import WorkerPlatform
from paas.errors import DeployError
from paas.flows.findings import image_of, is_ours
from paas.flows.variables import open_snapshot
from paas.model import App, Image, Release
from paas.ports import Container, ContainerSpec
from paas.rules import names
from paas.rules.config import Config, ProcessFacts, process_environment
from paas.rules.launch import OUR_SHELL, THEIR_SHELL, explain_missing_shell, process_command, process_entrypoint
from paas.rules.limits import DRAIN_TIMEOUT, STOP_TIMEOUT, limit_of
from paas.rules.rollout import Copy


@dataclass(frozen=True)
class Mould:
    """What all containers of one release have in common."""

    app: App
    release: Release
    image: Image
    config: Config
    image_entrypoint: tuple[str, ...]


def mould_of(on: WorkerPlatform, app: App, release: Release) -> Mould:
    image = image_of(on, release)
    facts = None if is_ours(image) else on.runtime.image(image.docker_id)
    return Mould(app, release, image, open_snapshot(on, release), facts.entrypoint if facts else ())


def copy_spec(on: WorkerPlatform, mould: Mould, copy: Copy, address: str) -> ContainerSpec:
    """One copy of a process."""
    line = mould.release.processes.get(copy.process_type)
    plain = _plain_spec(on, mould, copy.container, copy.process_type, copy.copy)
    return replace(plain, **_words(mould, line), rollout=copy.rollout, address=address)


def task_spec(on: WorkerPlatform, mould: Mould, name: str, line: str, job_id: int) -> ContainerSpec:
    """A release task: one line in a one-off container that its job finds again by name."""
    return replace(_plain_spec(on, mould, name, names.TYPE_RELEASE_TASK, 1), **_words(mould, line), job_id=job_id)


def oneoff_spec(
    on: WorkerPlatform, mould: Mould, name: str, words: tuple[str, ...], *, tty: bool = False, job_id: int | None = None
) -> ContainerSpec:
    """A command that somebody typed; without words a shell.

    One word with spaces in it is a line for the shell; the name of a process stands for its line in the Procfile.
    """
    plain = replace(_plain_spec(on, mould, name, names.TYPE_RUN, 1), tty=tty, stdin=job_id is None, job_id=job_id)
    line = mould.release.processes.get(words[0], words[0]) if len(words) == 1 else None
    if line and (" " in line or line != words[0]):
        return replace(plain, **_words(mould, line))
    keeps_entrypoint = words and not is_ours(mould.image)
    return replace(plain, command=words or shell_of(mould), entrypoint=None if keeps_entrypoint else ())


def shell_of(mould: Mould) -> tuple[str, ...]:
    return (OUR_SHELL if is_ours(mould.image) else THEIR_SHELL,)


def _plain_spec(on: WorkerPlatform, mould: Mould, name: str, process_type: str, copy: int) -> ContainerSpec:
    """What all have in common; the image's own command."""
    release = mould.release
    facts = ProcessFacts(mould.app.name, process_type, copy, release.version, release.commit, release.port)
    return ContainerSpec(
        name=name,
        image=mould.image.docker_id,
        app_id=release.app_id,
        app_name=mould.app.name,
        process_type=process_type,
        copy=copy,
        release=release.version,
        rollout=0,
        environment=process_environment(facts, mould.config),
        network=names.network_name(release.app_id),
        memory=on.settings.memory_limit,
        pids=on.settings.pids_limit,
        stop_timeout=stop_timeout_of(on, mould.app),
    )


class _Words(TypedDict, total=False):
    command: tuple[str, ...]
    entrypoint: tuple[str, ...] | None


def _words(mould: Mould, line: str | None) -> _Words:
    """How a process line is started in this image; None leaves it to the image."""
    if line is None:
        return {}
    ours = is_ours(mould.image)
    return {
        "command": process_command(line, is_ours=ours),
        "entrypoint": process_entrypoint(mould.image_entrypoint, is_ours=ours),
    }


def start_container(on: WorkerPlatform, spec: ContainerSpec, line: str | None) -> Container:
    """Raises DeployError that names the cause where it is known."""
    try:
        return on.runtime.start(spec)
    except DeployError as error:
        raise (explain_missing_shell(line, error.message) if line else None) or error from None


def stop_timeout_of(on: WorkerPlatform, app: App) -> float:
    return limit_of(app.process_settings, STOP_TIMEOUT, on.settings.stop_timeout)


def drain_timeout_of(on: WorkerPlatform, app: App) -> float:
    return limit_of(app.process_settings, DRAIN_TIMEOUT, on.settings.drain_timeout)
